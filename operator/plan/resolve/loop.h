// A step that runs once for each item of a list (forEach): the list, written out, and what of a run
// must succeed for the step to succeed. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/api/pipeline.h"
#include "operator/plan/resolve/references.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {

// Of all items of a loop together, as text, and of the values that references put into forEach.
inline constexpr std::size_t kMaxLoopBytes = 4 * 1024 * 1024;

struct ResolvedLoop {
  api::ForEachSpec spec;  // its strings are templates over $(steps.s.results.r) when `pending`
  bool pending = false;   // a step of the run makes the list, or a part of it
  std::shared_ptr<const std::vector<Json>> items;  // null while pending
};

// Appends the references of all its values; templates that cannot be parsed become errors.
void CollectLoopReferences(const api::ForEachSpec& spec, const std::string& path,
                           std::vector<FoundReference>& found,
                           std::vector<api::FieldError>& errors);

// One item of a looped step.
struct LoopItem {
  int index = 0;
  const Json* value = nullptr;  // never null; lives as long as the list
};

// The items in order. Invalid names the field of forEach that is no list, no whole number, too long
// or too large, and says what it is; what is too large is not made first. An error of `lookup`
// comes out as it is.
[[nodiscard]] Result<std::vector<Json>> ListItems(const api::ForEachSpec& spec,
                                                  const Lookup& lookup);

// Loop with the references that `lookup` knows put in: `known` takes them.
[[nodiscard]] Result<ResolvedLoop> ResolveLoop(const api::ForEachSpec& spec, const Lookup& lookup,
                                               const std::function<bool(const Reference&)>& known);

// How many of `items`, those that are not skipped, must succeed. Invalid where minSuccess is
// neither a count nor a percentage.
[[nodiscard]] Result<int> NeededSuccesses(const Json& min_success, int items);

// "0007": the entry of an item in a gathered folder.
[[nodiscard]] std::string EntryName(std::size_t index);
// The file beside the entries: {"items": ["0000", null, "0002"]}, null for an item that gave none.
inline constexpr const char* kEntriesFile = ".items.json";

}  // namespace penstock::plan
