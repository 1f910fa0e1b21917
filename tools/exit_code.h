// What the program's exit says; the same for every command.
#pragma once

namespace tsdb::tools {

enum ExitCode : int {
  kOk = 0,
  kFailure = 1,        // bad input, a file that cannot be read, a database that refuses
  kUsage = 2,          // a command line that makes no sense
  kFindings = 3,       // verify, info, list and inspect did their work and found damage
  kInterrupted = 130,  // as a shell reports a program ended by SIGINT
};

}  // namespace tsdb::tools
