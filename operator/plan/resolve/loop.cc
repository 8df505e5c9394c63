#include "operator/plan/resolve/loop.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/value_check.h"

namespace penstock::plan {
namespace {

constexpr std::int64_t kMaxNumber = 9007199254740991;  // 2^53 - 1
constexpr std::size_t kMaxComparisons = 20'000'000;    // of combinations with what is excluded

std::string Show(const Json& value) { return Shown(CanonicalJson(value), 80); }

Error TooMany(const std::string& field, std::size_t count) {
  return Invalid(field + ": has " + (count > 0 ? std::to_string(count) : "over 10000") +
                 " items; a loop has at most " + std::to_string(api::kMaxItems) +
                 ": split the list, or let an item be several things");
}

Error TooHeavy(const std::string& what) {
  return Invalid(what +
                 ": the items of the loop have over 4 MiB together; let them be the names of "
                 "artifacts or files, or split the list");
}

void AddWeight(const Json& value, std::size_t most, std::size_t& weight) {
  weight += value.is_string() ? value.get_ref<const std::string&>().size() + 3 : 2;
  if (!value.is_structured()) return;
  for (auto it = value.begin(); it != value.end() && weight <= most; ++it) {
    if (value.is_object()) weight += it.key().size() + 4;
    AddWeight(*it, most, weight);
  }
}

// About the bytes of its text; where that is over `most` something above it.
std::size_t WeightOf(const Json& value, std::size_t most) {
  std::size_t weight = 0;
  AddWeight(value, most, weight);
  return weight;
}

// A field that is a list after its references were put in.
Result<Json> ListOf(const std::string& field, const Json& value, const Lookup& lookup) {
  auto list = ExpandAll(value, lookup);
  if (!list) return Wrap(field, list.error());
  if (list->is_array()) return list;
  const bool from_text = value.is_string();
  return Invalid(field + ": " + (from_text ? Shown(value.get<std::string>(), 80) + " is " : "") +
                 Show(*list) + ", which is no list");
}

Result<std::int64_t> WholeNumber(const std::string& field, const Json& value, std::int64_t absent,
                                 const Lookup& lookup) {
  if (value.is_null()) return absent;
  auto number = ExpandAll(value, lookup);
  if (!number) return Wrap(field, number.error());
  const bool whole = number->is_number_integer() && number->get<double>() >= -double(kMaxNumber) &&
                     number->get<double>() <= double(kMaxNumber);
  if (!whole) return Invalid(field + ": " + Show(*number) + " is no whole number");
  return number->get<std::int64_t>();
}

Result<std::vector<Json>> Range(const api::RangeSpec& range, const Lookup& lookup) {
  auto from = WholeNumber("range.from", range.from, 0, lookup);
  if (!from) return from.error();
  auto to = WholeNumber("range.to", range.to, 0, lookup);
  if (!to) return to.error();
  auto step = WholeNumber("range.step", range.step, 1, lookup);
  if (!step) return step.error();
  if (*step == 0) return Invalid("range.step: is 0, with which no range ends");
  std::vector<Json> items;
  for (std::int64_t at = *from; *step > 0 ? at < *to : at > *to; at += *step) {
    if (items.size() == api::kMaxItems) return TooMany("range", 0);
    items.emplace_back(at);
  }
  return items;
}

Result<std::vector<Json>> Objects(const std::string& field, const std::vector<Json>& list,
                                  const Lookup& lookup) {
  std::vector<Json> out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = api::ItemPath(field, i);
    auto object = ExpandAll(list[i], lookup);
    if (!object) return Wrap(at, object.error());
    if (!object->is_object() || object->empty())
      return Invalid(at + ": " + Show(*object) + " is no object of axes and values");
    out.push_back(std::move(*object));
  }
  return out;
}

struct Axis {
  std::string name;
  std::vector<Json> values;
  std::vector<std::size_t> weights;  // of each value with the axis' name
};

Result<std::vector<Axis>> Axes(const api::ForEachSpec& spec, const Lookup& lookup) {
  std::vector<Axis> axes;
  for (const auto& [name, value] : spec.matrix) {
    auto values = ListOf("matrix." + name, value, lookup);
    if (!values) return values.error();
    Axis axis{name, std::move(*values).get<std::vector<Json>>(), {}};
    for (const Json& one : axis.values)
      axis.weights.push_back(name.size() + WeightOf(one, kMaxLoopBytes));
    axes.push_back(std::move(axis));
  }
  return axes;
}

// One of exclude: of each axis that it names, which of the axis' values agree.
using Exclusion = std::vector<std::pair<std::size_t, std::vector<bool>>>;

Result<std::vector<Exclusion>> Exclusions(const api::ForEachSpec& spec,
                                          const std::vector<Axis>& axes, std::size_t combinations,
                                          const Lookup& lookup) {
  auto objects = Objects("exclude", spec.exclude, lookup);
  if (!objects) return objects.error();
  std::vector<Exclusion> exclusions;
  std::size_t comparisons = 0;
  for (std::size_t i = 0; i < objects->size(); ++i) {
    const std::string at = api::ItemPath("exclude", i);
    Exclusion exclusion;
    for (const auto& field : (*objects)[i].items()) {
      const auto axis = std::find_if(axes.begin(), axes.end(),
                                     [&](const Axis& a) { return a.name == field.key(); });
      if (axis == axes.end())
        return Invalid(at + ": the matrix has no axis '" + field.key().substr(0, 80) + "'");
      comparisons += std::max(combinations, axis->values.size());
      if (comparisons > kMaxComparisons)
        return Invalid(at + ": up to here it takes over 20 million comparisons with the " +
                       std::to_string(combinations) +
                       " combinations of the matrix; exclude fewer, or write the items out under "
                       "include");
      std::vector<bool> agree;
      for (const Json& value : axis->values) agree.push_back(value == field.value());
      exclusion.emplace_back(static_cast<std::size_t>(axis - axes.begin()), std::move(agree));
    }
    exclusions.push_back(std::move(exclusion));
  }
  return exclusions;
}

bool IsExcluded(const std::vector<std::size_t>& at, const std::vector<Exclusion>& exclusions) {
  return std::any_of(exclusions.begin(), exclusions.end(), [&](const Exclusion& exclusion) {
    return std::all_of(exclusion.begin(), exclusion.end(),
                       [&](const auto& axis) { return axis.second[at[axis.first]]; });
  });
}

Result<std::vector<Json>> Combinations(const std::vector<Axis>& axes, std::size_t count,
                                       const std::vector<Exclusion>& exclusions) {
  std::vector<Json> items;
  std::vector<std::size_t> at(axes.size());  // of each axis, the value
  std::size_t weight = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t rest = i;
    for (std::size_t a = axes.size(); a-- > 0; rest /= axes[a].values.size())
      at[a] = rest % axes[a].values.size();
    if (IsExcluded(at, exclusions)) continue;
    for (std::size_t a = 0; a < axes.size(); ++a) weight += axes[a].weights[at[a]];
    if (weight > kMaxLoopBytes) return TooHeavy("matrix");
    if (items.size() == api::kMaxItems) return TooMany("matrix", 0);
    Json item = Json::object();
    for (std::size_t a = 0; a < axes.size(); ++a) item[axes[a].name] = axes[a].values[at[a]];
    items.push_back(std::move(item));
  }
  return items;
}

Result<std::vector<Json>> Matrix(const api::ForEachSpec& spec, const Lookup& lookup) {
  const auto axes = Axes(spec, lookup);
  if (!axes) return axes.error();
  std::size_t count = axes->empty() ? 0 : 1;
  for (const Axis& axis : *axes) {
    count *= axis.values.size();
    if (count > 100 * api::kMaxItems) return TooMany("matrix", count);
  }
  const auto exclusions = Exclusions(spec, *axes, count, lookup);
  if (!exclusions) return exclusions.error();
  auto include = Objects("include", spec.include, lookup);
  if (!include) return include.error();
  auto items = Combinations(*axes, count, *exclusions);
  if (!items) return items;
  for (Json& more : *include) items->push_back(std::move(more));
  return items;
}

Result<std::vector<Json>> Written(const api::ForEachSpec& spec, const Lookup& lookup) {
  if (spec.range) return Range(*spec.range, lookup);
  if (spec.in.is_null()) return Matrix(spec, lookup);
  auto list = ListOf("in", spec.in, lookup);
  if (!list) return list.error();
  return std::move(*list).get<std::vector<Json>>();
}

const char* FieldOf(const api::ForEachSpec& spec) {
  return spec.range ? "range" : !spec.in.is_null() ? "in" : "matrix";
}

// Stops where its values are too much, before they are put in: a reference of a few bytes may stand
// for 64 KiB, and may stand there thousands of times.
Lookup Within(const Lookup& lookup, std::size_t& room) {
  return [&](const Reference& r) -> Result<Json> {
    auto value = lookup(r);
    if (!value) return value;
    const std::size_t weight = WeightOf(*value, room);
    if (weight > room) return TooHeavy(r.Text());
    room -= weight;
    return value;
  };
}

// Every value of forEach that may hold references.
template <typename Spec, typename F>
Result<void> EachValueOf(Spec& spec, const F& f) {
  if (auto done = f(spec.in, "in"); !done) return done;
  if (spec.range) {
    if (auto done = f(spec.range->from, "range.from"); !done) return done;
    if (auto done = f(spec.range->to, "range.to"); !done) return done;
    if (auto done = f(spec.range->step, "range.step"); !done) return done;
  }
  for (auto& [axis, value] : spec.matrix)
    if (auto done = f(value, "matrix." + axis); !done) return done;
  for (std::size_t i = 0; i < spec.exclude.size(); ++i)
    if (auto done = f(spec.exclude[i], api::ItemPath("exclude", i)); !done) return done;
  for (std::size_t i = 0; i < spec.include.size(); ++i)
    if (auto done = f(spec.include[i], api::ItemPath("include", i)); !done) return done;
  return {};
}

}  // namespace

Result<std::vector<Json>> ListItems(const api::ForEachSpec& spec, const Lookup& lookup) {
  std::size_t room = kMaxLoopBytes;
  auto items = Written(spec, Within(lookup, room));
  if (!items) return items;
  const std::string field = FieldOf(spec);
  if (items->size() > api::kMaxItems) return TooMany(field, items->size());
  std::size_t weight = 0;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const std::size_t size = CanonicalText((*items)[i]).size();
    weight += size;
    if (size > kMaxValueBytes)
      return Invalid(field + ": item " + std::to_string(i) +
                     " is over 64 KiB; let it be the name of an artifact or a file");
    if (weight > kMaxLoopBytes) return TooHeavy(field);
  }
  return items;
}

void CollectLoopReferences(const api::ForEachSpec& spec, const std::string& path,
                           std::vector<FoundReference>& found,
                           std::vector<api::FieldError>& errors) {
  static_cast<void>(
      EachValueOf(spec, [&](const Json& value, const std::string& field) -> Result<void> {
        CollectReferences(value, path + "." + field, found, errors);
        return {};
      }));
}

Result<ResolvedLoop> ResolveLoop(const api::ForEachSpec& spec, const Lookup& lookup,
                                 const std::function<bool(const Reference&)>& known) {
  ResolvedLoop loop;
  loop.spec = spec;
  std::size_t room = kMaxLoopBytes;
  const Lookup within = Within(lookup, room);
  auto done = EachValueOf(loop.spec, [&](Json& value, const std::string& field) -> Result<void> {
    auto expanded = ExpandKnown(value, within, known);
    if (!expanded) return Wrap(field, expanded.error());
    value = std::move(*expanded);
    return {};
  });
  if (!done) return done.error();
  std::vector<FoundReference> left;
  std::vector<api::FieldError> ignored;
  CollectLoopReferences(loop.spec, "", left, ignored);
  loop.pending = !left.empty();
  if (loop.pending) return loop;
  auto items = ListItems(loop.spec, [](const Reference& r) -> Result<Json> {
    return Invalid(r.Text() + " is not known here");
  });
  if (!items) return items.error();
  loop.items = std::make_shared<const std::vector<Json>>(std::move(*items));
  return loop;
}

Result<int> NeededSuccesses(const Json& min_success, int items) {
  if (min_success.is_null()) return items;
  const auto wrong = [&] {
    return Invalid("minSuccess: " + Show(min_success) +
                   " is neither a count from 0 to 10000 nor a percentage like 95%");
  };
  const std::string text = CanonicalText(min_success);
  const bool percent = text.ends_with('%');
  const std::string digits = percent ? text.substr(0, text.size() - 1) : text;
  const char* const allowed = percent ? "0123456789." : "0123456789";
  if (digits.empty() || digits.size() > 8 || digits.front() == '.' || digits.back() == '.' ||
      digits.find_first_not_of(allowed) != std::string::npos ||
      std::count(digits.begin(), digits.end(), '.') > 1)
    return wrong();
  const double number = std::strtod(digits.c_str(), nullptr);
  if (number > (percent ? 100.0 : double(api::kMaxItems))) return wrong();
  if (!percent) return static_cast<int>(number);
  return static_cast<int>(std::ceil(number * items / 100.0 - 1e-9));
}

std::string EntryName(std::size_t index) {
  std::string digits = std::to_string(index);
  return std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

}  // namespace penstock::plan
