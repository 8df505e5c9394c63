// Label and field selectors, parsed and matched as the API server does. Pure value types.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::kube {

// "app=web,tier!=db,env in (a,b),track notin (x),owned,!legacy"; empty matches everything.
class LabelSelector {
 public:
  // Invalid with the requirement that could not be read.
  [[nodiscard]] static Result<LabelSelector> Parse(std::string_view text);

  // `object` is a whole Kubernetes object; labels are looked up in its metadata.
  [[nodiscard]] bool Matches(const Json& object) const;
  [[nodiscard]] bool empty() const { return requirements_.empty(); }

 private:
  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kNotExists };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;
  };
  [[nodiscard]] static Result<Requirement> ParseRequirement(std::string_view text);

  std::vector<Requirement> requirements_;
};

// "metadata.name=x,status.phase!=Failed": dotted paths to strings; an absent field is "".
class FieldSelector {
 public:
  // Invalid for a requirement without operator.
  [[nodiscard]] static Result<FieldSelector> Parse(std::string_view text);

  [[nodiscard]] bool Matches(const Json& object) const;
  // The dotted paths that the selector names, for a check of what a kind supports.
  [[nodiscard]] std::vector<std::string> Fields() const;

 private:
  struct Requirement {
    std::string path;
    bool equal = true;
    std::string value;
  };
  std::vector<Requirement> requirements_;
};

}  // namespace penstock::kube
