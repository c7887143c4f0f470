<?php
// Makes zips with PHP's ZipArchive: php make.php MAKER FOLDER OUTPUT
[, $maker, $folder, $output] = $argv;
$zip = new ZipArchive();
$zip->open($output, ZipArchive::CREATE);
chdir($folder);
foreach (array_filter(array_merge(glob("*"), glob("*/*")), "is_file") as $place) {
    $zip->addFile($place, $place);
    if ($maker === "modes") {
        $mode = fileperms($place) << 16;
        $zip->setExternalAttributesName($place, ZipArchive::OPSYS_UNIX, $mode);
    }
}
$zip->close();
