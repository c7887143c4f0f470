// Makes zips with Java's own classes: java Make.java MAKER FOLDER OUTPUT
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.*;
import java.util.*;
import java.util.stream.Stream;
import java.util.zip.*;

public class Make {
    public static void main(String[] words) throws Exception {
        Path folder = Path.of(words[1]), output = Path.of(words[2]);
        List<Path> files;
        try (Stream<Path> walk = Files.walk(folder)) {
            files = walk.filter(Files::isRegularFile).sorted().toList();
        }
        switch (words[0]) {
            case "stream" -> stream(folder, output, files);
            case "system" -> system(folder, output, files, Map.of("create", "true"));
            case "posix" -> system(folder, output, files,
                Map.of("create", "true", "enablePosixFileAttributes", "true"));
        }
    }

    static void stream(Path folder, Path output, List<Path> files) throws Exception {
        try (OutputStream to = Files.newOutputStream(output);
                ZipOutputStream zip = new ZipOutputStream(to)) {
            for (Path file : files) {
                zip.putNextEntry(new ZipEntry(folder.relativize(file).toString()));
                zip.write(Files.readAllBytes(file));
                zip.closeEntry();
            }
        }
    }

    static void system(Path folder, Path output, List<Path> files, Map<String, String> how)
            throws Exception {
        try (FileSystem zip = FileSystems.newFileSystem(URI.create("jar:" + output.toUri()), how)) {
            for (Path file : files) {
                Path target = zip.getPath(folder.relativize(file).toString());
                if (target.getParent() != null) Files.createDirectories(target.getParent());
                Files.copy(file, target);
                if (how.size() > 1)
                    Files.setPosixFilePermissions(target, Files.getPosixFilePermissions(file));
            }
        }
    }
}
