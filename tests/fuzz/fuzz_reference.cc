// Templates and their references: a value that is put in is never read again, whatever it holds.
#include "operator/base/json.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/protocol/reference.h"
#include "tests/fuzz/require.h"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::Text(data, size);
  const auto parsed = ParseTemplate(text);
  if (parsed) {
    const std::string value = "$(parameters.x) $$( " + text.substr(0, 8);
    std::size_t length = 0;
    for (const auto& piece : parsed->pieces) {
      length += piece.is_reference() ? value.size() : piece.literal.size();
      if (!piece.is_reference()) continue;
      const auto same = ParseTemplate(piece.reference.Text());
      fuzz::Require(same && same->Whole() != nullptr && *same->Whole() == piece.reference);
    }
    const auto lookup = [&](const Reference&) { return Result<Json>(Json(value)); };
    const auto expanded = Expand(*parsed, lookup);
    fuzz::Require(expanded && expanded->size() == length);
  } else {
    fuzz::Require(!parsed.error().message.empty());
  }
  const auto literal = ParseTemplate(plan::EscapeTemplate(text));
  fuzz::Require(literal && literal->References().empty());
  const auto same = Expand(*literal, [](const Reference&) { return Result<Json>(Json()); });
  fuzz::Require(same && *same == text);
  (void)plan::CheckUri(text);
  if (const auto value = ParseJson(text, "value")) {
    std::vector<plan::FoundReference> found;
    std::vector<api::FieldError> errors;
    plan::CollectReferences(*value, "value", found, errors);
    (void)plan::ParseQuantity(*value);
    // Put in early or late it is the same, and what was put in early is not looked at again.
    const Json hostile = Json::parse(R"j({"firstOf": ["$(x)", {"$firstOf": ["$$(y)"]}]})j");
    const auto lookup = [&](const Reference& r) -> Result<Json> {
      if (r.path[0] == "none") return NotFound("none");
      return r.all ? Json::array({hostile, 1}) : hostile;
    };
    const auto at_once = plan::ExpandAll(*value, lookup);
    const auto early = plan::ExpandKnown(*value, lookup, [](const Reference&) { return true; });
    fuzz::Require(static_cast<bool>(at_once) == static_cast<bool>(early));
    if (early) {
      const auto late = plan::ExpandAll(*early, [](const Reference&) -> Result<Json> {
        fuzz::Require(false);
        return Json();
      });
      fuzz::Require(late && *late == *at_once);
    }
  }
  return 0;
}
