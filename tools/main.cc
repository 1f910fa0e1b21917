// The program tsdb.
#include "tools/command_line.h"

int main(int argc, char** argv) { return tsdb::tools::ParseCommandLine(argc, argv)(); }
