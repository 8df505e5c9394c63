#include "operator/api/text_format.h"

#include <re2/re2.h>

#include <map>
#include <memory>

namespace penstock::api {

bool Matches(const Format& format, const std::string& text) {
  thread_local std::map<const char*, std::unique_ptr<re2::RE2>> compiled;
  auto& pattern = compiled[format.pattern];
  if (pattern == nullptr) pattern = std::make_unique<re2::RE2>(format.pattern, re2::RE2::Quiet);
  return re2::RE2::FullMatch(text, *pattern);
}

}  // namespace penstock::api
