#include "tools/results/palette.h"

namespace tsdb::tools {

std::string ColorVariables(bool dark) {
  std::string variables;
  char number = '0';
  for (const LineColor& color : kLineColors) {
    variables += "--c";
    variables += number++;
    variables += ':';
    variables += dark ? color.dark : color.light;
    variables += ';';
  }
  return variables;
}

}  // namespace tsdb::tools
