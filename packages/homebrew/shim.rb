# Made by shim's release; its recipe is build/formula.py there.
class Shim < Formula
  include Language::Python::Virtualenv

  desc "Native bootstrap for AWS Lambda's OS-only runtimes, and the tools around it"
  homepage "$home"
  # The wheel: it has the launchers compiled, with the bytes that every other system gets. Of the
  # source release Homebrew would have to build the compiler first.
  url "$url"
  sha256 "$sha256"
  license "Apache-2.0"

  depends_on "cmake" => :build
  depends_on "ninja" => :build
  depends_on "python@3.13"
$resources
  def install
    venv = virtualenv_create(libexec, "python3.13")
    venv.pip_install resources
    venv.pip_install_and_link Pathname.pwd/Dir["*.whl"].fetch(0)
  end

  test do
    (testpath/"orders").write "#!/bin/sh\nexec sleep 1\n"
    packed = shell_output("#{bin}/shim pack orders --flavour full --output orders.zip")
    assert_match "starts on x86_64 and arm64", packed
  end
end
