#include "operator/protocol/file_uri.h"

#include <cctype>
#include <charconv>

namespace penstock {
namespace {

// The byte that the escape at `text` stands for; -1: it is none.
int Escaped(std::string_view text) {
  if (text.size() < 3 || text[0] != '%' ||
      std::isxdigit(static_cast<unsigned char>(text[1])) == 0 ||
      std::isxdigit(static_cast<unsigned char>(text[2])) == 0)
    return -1;
  int byte = -1;
  std::from_chars(text.data() + 1, text.data() + 3, byte, 16);
  return byte;
}

}  // namespace

Result<std::string> PathOfFileUri(const std::string& uri) {
  constexpr std::string_view kStart = "file://", kHere = "localhost/";
  std::string_view rest = std::string_view(uri).substr(kStart.size());
  if (rest.starts_with(kHere)) rest.remove_prefix(kHere.size() - 1);
  if (!rest.starts_with('/'))
    return Invalid("a file: URI holds an absolute path: file:///data/x.csv");
  std::string path;
  while (!rest.empty()) {
    const int byte = Escaped(rest);
    if (byte == 0) return Invalid("a file: URI holds no zero byte");
    path += byte < 0 ? rest[0] : static_cast<char>(byte);
    rest.remove_prefix(byte < 0 ? 1 : 3);
  }
  return path;
}

}  // namespace penstock
