#include "operator/api/text_format.h"

#include <map>
#include <regex>

namespace penstock::api {

bool Matches(const Format& format, const std::string& text) {
  if (text.size() > 4096) return false;
  thread_local std::map<const char*, std::regex> compiled;
  auto it = compiled.find(format.pattern);
  if (it == compiled.end())
    it = compiled.emplace(format.pattern, std::regex(format.pattern, std::regex::optimize)).first;
  return std::regex_match(text, it->second);
}

}  // namespace penstock::api
