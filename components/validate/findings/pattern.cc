#include "components/validate/findings/pattern.h"

#include <re2/re2.h>

#include "operator/base/shown_text.h"

namespace penstock::validate {

struct Pattern::Impl {
  re2::RE2 expression;
};

Pattern::Pattern(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pattern::~Pattern() = default;

Result<std::unique_ptr<Pattern>> Pattern::Compile(const std::string& text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  std::unique_ptr<Impl> impl(new Impl{re2::RE2(text, options)});
  if (!impl->expression.ok()) {
    return Invalid("'" + plan::Shown(text, 200) +
                   "' is no regular expression of RE2: " + plan::Shown(impl->expression.error()));
  }
  return std::unique_ptr<Pattern>(new Pattern(std::move(impl)));
}

bool Pattern::Matches(std::string_view value) const {
  return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), impl_->expression);
}

}  // namespace penstock::validate
