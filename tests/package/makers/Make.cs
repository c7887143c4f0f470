// Makes zips with .NET's own classes: Make.exe MAKER FOLDER OUTPUT
using System.IO;
using System.IO.Compression;

static class Make
{
    // -rwxr-xr-x of a file, where a zip holds it.
    const int Executable = unchecked((int)0x81ED0000);

    static void Main(string[] words)
    {
        string maker = words[0], folder = words[1], output = words[2];
        if (maker == "directory")
            ZipFile.CreateFromDirectory(folder, output);
        else if (maker == "directory-stored")
            ZipFile.CreateFromDirectory(folder, output, CompressionLevel.NoCompression, false);
        else
            Entries(folder, output, maker == "modes" ? Executable : 0);
    }

    static void Entries(string folder, string output, int attributes)
    {
        using (var file = File.Create(output))
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create))
            foreach (var path in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
            {
                var entry = zip.CreateEntry(path.Substring(folder.Length + 1));
                entry.ExternalAttributes = attributes;
                var bytes = File.ReadAllBytes(path);
                using (var to = entry.Open())
                    to.Write(bytes, 0, bytes.Length);
            }
    }
}
