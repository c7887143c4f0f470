# Makes zips with Perl: perl make.pl MAKER FOLDER OUTPUT
use strict;
use warnings;
my ($maker, $folder, $output) = @ARGV;
if ($maker eq "compress") {
    require IO::Compress::Zip;
    chdir $folder or die;
    my @files = grep { -f } glob("* */*");
    IO::Compress::Zip::zip(\@files => $output) or die;
} else {
    require Archive::Zip;
    my $zip = Archive::Zip->new();
    $zip->addTree($folder, "");
    if ($maker eq "stored") { $_->desiredCompressionMethod(0) for $zip->members }
    $zip->writeToFileNamed($output) == 0 or die;
}
