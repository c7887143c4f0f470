# Makes zips with rubyzip: ruby make.rb MAKER FOLDER OUTPUT
require "zip"
maker, folder, output = ARGV
files = Dir.glob("**/*", base: folder).select { |place| File.file?("#{folder}/#{place}") }
if maker == "stream"
  Zip::OutputStream.open(output) do |zip|
    files.each do |place|
      zip.put_next_entry(place)
      zip.write(File.binread("#{folder}/#{place}"))
    end
  end
else
  Zip::File.open(output, Zip::File::CREATE) do |zip|
    files.each { |place| zip.add(place, "#{folder}/#{place}") }
  end
end
