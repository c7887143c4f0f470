// Makes zips with Go's archive/zip: make MAKER FOLDER OUTPUT
package main

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
)

func header(maker string, name string, info fs.FileInfo) *zip.FileHeader {
	made := &zip.FileHeader{Name: name, Method: zip.Deflate}
	switch maker {
	case "creator":
		made.CreatorVersion = 3 << 8
		made.ExternalAttrs = 0777 << 16
	case "attributes":
		made.ExternalAttrs = 0777 << 16
	case "mode":
		made.SetMode(info.Mode())
	case "stored":
		made.Method = zip.Store
		made.SetMode(0755)
	case "info", "info-deflated":
		made, _ = zip.FileInfoHeader(info)
		made.Name = name
		if maker == "info-deflated" {
			made.Method = zip.Deflate
		}
	}
	return made
}

func main() {
	maker, folder := os.Args[1], os.Args[2]
	file, err := os.Create(os.Args[3])
	check(err)
	writer := zip.NewWriter(file)
	check(filepath.Walk(folder, func(path string, info fs.FileInfo, err error) error {
		check(err)
		info, err = os.Stat(path)
		check(err)
		if info.IsDir() {
			return nil
		}
		name, err := filepath.Rel(folder, path)
		check(err)
		data, err := os.ReadFile(path)
		check(err)
		entry, err := writer.CreateHeader(header(maker, filepath.ToSlash(name), info))
		check(err)
		_, err = entry.Write(data)
		return err
	}))
	check(writer.Close())
	check(file.Close())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
