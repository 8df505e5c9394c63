#include "operator/api/meta.h"

#include <algorithm>
#include <cctype>

namespace penstock::api {

void SetCondition(std::vector<Condition>& conditions, Condition c, TimePoint now) {
  // As it will be read back: metav1.Time has whole seconds.
  c.last_transition = std::chrono::floor<std::chrono::seconds>(now);
  for (Condition& old : conditions) {
    if (old.type != c.type) continue;
    if (old.status == c.status) c.last_transition = old.last_transition;
    old = std::move(c);
    return;
  }
  conditions.push_back(std::move(c));
}

const Condition* FindCondition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto it = std::find_if(conditions.begin(), conditions.end(),
                               [&](const Condition& c) { return c.type == type; });
  return it == conditions.end() ? nullptr : &*it;
}

std::string ChildPath(const std::string& parent, std::string_view name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
  if (!plain) return parent + "[" + std::string(name) + "]";
  return parent.empty() ? std::string(name) : parent + "." + std::string(name);
}

std::string ItemPath(const std::string& parent, std::size_t index) {
  return parent + "[" + std::to_string(index) + "]";
}

std::string Describe(const std::vector<FieldError>& errors, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < errors.size() && i < limit; ++i) {
    if (i > 0) out += "; ";
    if (!errors[i].path.empty()) out += errors[i].path + ": ";
    out += errors[i].message;
  }
  if (errors.size() > limit) out += "; and " + std::to_string(errors.size() - limit) + " more";
  return out;
}

}  // namespace penstock::api
