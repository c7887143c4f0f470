# Makes zips with rubyzip: ruby make.rb MAKER FOLDER OUTPUT
require "zip"
maker, folder, output = ARGV
files = Dir.glob("**/*", base: folder).select { |path| File.file?("#{folder}/#{path}") }
if maker == "stream"
  Zip::OutputStream.open(output) do |zip|
    files.each do |path|
      zip.put_next_entry(path)
      zip.write(File.binread("#{folder}/#{path}"))
    end
  end
else
  Zip::File.open(output, Zip::File::CREATE) do |zip|
    files.each { |path| zip.add(path, "#{folder}/#{path}") }
  end
end
