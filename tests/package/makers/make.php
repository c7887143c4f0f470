<?php
// Makes zips with PHP's ZipArchive: php make.php MAKER FOLDER OUTPUT
[, $maker, $folder, $output] = $argv;
$zip = new ZipArchive();
$zip->open($output, ZipArchive::CREATE);
chdir($folder);
foreach (array_filter(array_merge(glob("*"), glob("*/*")), "is_file") as $path) {
    $zip->addFile($path, $path);
    if ($maker === "modes") {
        $mode = fileperms($path) << 16;
        $zip->setExternalAttributesName($path, ZipArchive::OPSYS_UNIX, $mode);
    }
}
$zip->close();
