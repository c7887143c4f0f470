# Reads a formula as Homebrew would, by as much of its words as shim's has: prints what it says, and
# what its `install` does, as JSON.
require "json"
require "pathname"

module Language
  module Python
    module Virtualenv; end
  end
end

class Stanza
  attr_reader :said

  def initialize(name) = @said = { name: name }
  def url(text) = @said[:url] = text
  def sha256(text) = @said[:sha256] = text
end

class Formula
  SAID = { resources: [], depends_on: [] }

  class << self
    %i[desc homepage url sha256 license].each { |word| define_method(word) { |text| SAID[word] = text } }

    def depends_on(what) = SAID[:depends_on] << what
    def test(&block) = SAID[:tested] = !block.nil?

    def resource(name, &block)
      stanza = Stanza.new(name)
      stanza.instance_eval(&block)
      SAID[:resources] << stanza.said
    end
  end

  attr_reader :done

  def libexec = Pathname("/libexec")
  def resources = SAID[:resources].map { |one| one[:name] }

  def virtualenv_create(folder, python)
    @done = [["create", folder.to_s, python]]
    self
  end

  def pip_install(what) = @done << ["pip_install", what]
  def pip_install_and_link(what) = @done << ["pip_install_and_link", what.basename.to_s]
end

load ARGV[0]
shim = Shim.new
shim.install
puts JSON.generate(Formula::SAID.merge(done: shim.done))
