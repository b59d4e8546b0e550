// The program `werkbank`, also called as `az`: the command line, and the server behind it.
#include "cli/cli.hh"
#include "data/kinds/data_kinds.hh"
#include "main/backup.hh"
#include "main/packages.hh"
#include "main/serve.hh"

int main(int argc, char** argv) {
  werkbank::cli::CliPrograms programs;
  programs.version = WERKBANK_VERSION;
  programs.serve = werkbank::serve;
  programs.backup = werkbank::back_up_home;
  programs.restore = werkbank::restore_home;
  programs.package_folder = werkbank::write_packages;
  programs.open_data = werkbank::open_data_store;
  programs.doctor = werkbank::examine_program;
  programs.verify = werkbank::verify_content;
  return werkbank::cli::run(argc, argv, programs);
}
