// Conditions: what is parsed is checked and evaluated within bounds, and says what is wrong.
#include "operator/base/json.h"
#include "operator/plan/expression/expression.h"
#include "tests/fuzz/require.h"

using namespace penstock;
using namespace penstock::plan::expression;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::Text(data, size);
  const auto parsed = Expression::Parse(text);
  if (!parsed) {
    fuzz::Require(parsed.error().kind == ErrorKind::kInvalid && !parsed.error().message.empty());
    return 0;
  }
  const std::map<std::string, Type> types{{"i", Of(Type::Kind::kInt)},
                                          {"s", Of(Type::Kind::kString)},
                                          {"l", ListOf(Of(Type::Kind::kInt))},
                                          {"x", {}}};
  const std::map<std::string, Value> values{{"i", FromJson(Json(3))},
                                            {"s", FromJson(Json("text"))},
                                            {"l", FromJson(Json{1, 2, 3})},
                                            {"x", FromJson(Json{{"a", {1.5, nullptr}}})}};
  std::vector<std::string> errors;
  const Type type = Check(*parsed, types, errors);
  (void)PathsOf(*parsed);
  const auto value = Evaluate(*parsed, values);
  fuzz::Require(value || !value.error().message.empty());
  // What the checker took for true or false is that, or an error.
  if (errors.empty() && value && type.kind == Type::Kind::kBool)
    fuzz::Require(value->As<bool>() != nullptr);
  if (value) (void)Written(*value);
  return 0;
}
