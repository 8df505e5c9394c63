// Every case of testdata/cel-go-0.26.0.txt, which tests/expression wrote: our answer is cel-go's.
#include <gtest/gtest.h>

#include <sstream>

#include "operator/base/file.h"
#include "operator/plan/expression/expression.h"

namespace penstock::plan::expression {
namespace {

using Kind = Type::Kind;

const std::map<std::string, Type>& Types() {
  static const std::map<std::string, Type> kTypes{
      {"i", Of(Kind::kInt)},         {"d", Of(Kind::kDouble)},
      {"s", Of(Kind::kString)},      {"b", Of(Kind::kBool)},
      {"l", ListOf(Of(Kind::kInt))}, {"m", MapOf(Of(Kind::kString), Of(Kind::kDyn))},
      {"x", Of(Kind::kDyn)},
  };
  return kTypes;
}

const std::map<std::string, Value>& Values() {
  static const std::map<std::string, Value> kValues = [] {
    const Json json = Json::parse(
        R"({"i": 3, "d": 2.5, "s": "text", "b": true, "l": [1, 2, 3], "x": 7,
            "m": {"one": 1, "half": 0.5, "name": "a", "none": null, "list": [1, "b"]}})");
    std::map<std::string, Value> out;
    for (const auto& [name, value] : json.items()) out.emplace(name, FromJson(value));
    return out;
  }();
  return kValues;
}

struct Case {
  std::string verdict, value, text;
};

std::vector<Case> Cases() {
  std::istringstream lines(ReadFile(std::string(PENSTOCK_SOURCE_DIR) +
                                    "/operator/plan/expression/testdata/cel-go-0.26.0.txt")
                               .value());
  std::vector<Case> cases;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find('\t');
    if (first == std::string::npos) continue;
    const auto second = line.find('\t', first + 1);
    cases.push_back({line.substr(0, first), line.substr(first + 1, second - first - 1),
                     line.substr(second + 1)});
  }
  return cases;
}

// cel-go takes null where a timestamp, a duration or bytes could stand, which we do not have: we
// refuse early what is an error later.
bool IsNullNowhere(const Case& c) {
  return c.value == "error" && c.text.find("null") != std::string::npos;
}

// Beyond cel-go's checker we take the equality of numbers of two types.
bool IsEqualityOfNumbers(const std::string& text) {
  return text.find("==") != std::string::npos || text.find("!=") != std::string::npos ||
         text.find(" in ") != std::string::npos;
}

TEST(CelGo, SaysTheSameOfEveryCase) {
  const auto cases = Cases();
  EXPECT_GT(cases.size(), 2'000u);
  for (const Case& c : cases) {
    const auto parsed = Expression::Parse(c.text);
    if (c.verdict == "syntax") {
      EXPECT_FALSE(parsed) << c.text;
      continue;
    }
    ASSERT_TRUE(parsed) << c.text << ": " << parsed.error().message;
    std::vector<std::string> errors;
    (void)Check(*parsed, Types(), errors);
    const bool may_differ = c.verdict == "checked" ? IsNullNowhere(c) : IsEqualityOfNumbers(c.text);
    if (!may_differ) {
      EXPECT_EQ(errors.empty() ? "checked" : "refused", c.verdict)
          << c.text << (errors.empty() ? "" : ": " + errors[0]);
    }
    const auto value = Evaluate(*parsed, Values());
    EXPECT_EQ(value ? Written(*value) : "error", c.value)
        << c.text << (value ? "" : ": " + value.error().message);
  }
}

}  // namespace
}  // namespace penstock::plan::expression
