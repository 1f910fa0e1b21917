// Byte by byte what Prometheus's HTTP API answers (its JSON is hand-written for labels and samples
// and left to Go's encoder for all else, which differ in escapes and times), then a newline.
#include <cmath>
#include <string>

#include "tools/json_text.h"
#include "tools/number_text.h"
#include "tools/results/printers.h"
#include "tools/results/result_text.h"

namespace tsdb::tools {
namespace {

// As Go escapes strings; `for_html` as encoding/json does by default, which also escapes < > & and
// the separators U+2028 and U+2029.
std::string GoString(std::string_view text, bool for_html) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (byte < 0x20 || (for_html && (c == '<' || c == '>' || c == '&'))) {
      out += "\\u00";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    } else if (for_html &&
               (text.substr(i, 3) == "\xE2\x80\xA8" || text.substr(i, 3) == "\xE2\x80\xA9")) {
      out += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string GoLabels(const Labels& labels) {
  std::string out = "{";
  for (const Label label : labels) {
    if (out.size() > 1) out += ',';
    out += GoString(label.name, false) + ":" + GoString(label.value, false);
  }
  return out += '}';
}

// Seconds as Go writes a float64: of a scalar and a string. Samples have three decimals or none.
std::string GoSeconds(Timestamp timestamp) {
  std::string text = ApiSeconds(timestamp);
  if (text.find('.') != std::string::npos) text.erase(text.find_last_not_of('0') + 1);
  return text;
}

void PrintSample(const Sample& sample, Output& output) {
  output << "[" << ApiSeconds(sample.timestamp) << ",\"" << ApiSampleValue(sample.value) << "\"]";
}

void PrintSeries(const PromqlResult& result, Output& output) {
  bool first = true;
  output << "[";
  for (const PromqlSeries& series : result.series) {
    if (series.samples.empty() || !output.status().ok()) continue;
    output << (first ? "" : ",") << R"({"metric":)" << GoLabels(series.labels);
    first = false;
    if (result.type == PromqlType::kVector) {
      output << R"(,"value":)";
      PrintSample(series.samples.back(), output);
    } else {
      output << R"(,"values":[)";
      for (size_t i = 0; i < series.samples.size(); ++i) {
        output << (i == 0 ? "" : ",");
        PrintSample(series.samples[i], output);
      }
      output << "]";
    }
    output << "}";
  }
  output << "]";
}

void PrintNotes(std::string_view name, const std::vector<std::string>& notes, Output& output) {
  if (notes.empty()) return;
  output << ",\"" << name << "\":[";
  for (size_t i = 0; i < notes.size(); ++i) {
    output << (i == 0 ? "" : ",") << GoString(WellFormed(notes[i]), true);
  }
  output << "]";
}

}  // namespace

void PrintResultJson(const ResultPage& page, Output& output) {
  const PromqlResult& result = page.result;
  output << R"({"status":"success","data":{"resultType":")" << PromqlTypeName(result.type)
         << R"(","result":)";
  if (result.type == PromqlType::kString) {
    output << "[" << GoSeconds(page.question.end) << "," << GoString(WellFormed(result.text), true)
           << "]";
  } else if (result.type == PromqlType::kScalar) {
    Sample sample{page.question.end, std::nan("")};
    if (!result.series.empty() && !result.series.front().samples.empty()) {
      sample = result.series.front().samples.back();
    }
    output << "[" << GoSeconds(sample.timestamp) << ",\"" << ApiScalarValue(sample.value) << "\"]";
  } else {
    PrintSeries(result, output);
  }
  output << "}";
  PrintNotes("warnings", result.warnings, output);
  PrintNotes("infos", result.infos, output);
  output << "}\n";
}

}  // namespace tsdb::tools
