#include "components/audit/rows/duplicates.h"

#include <arrow/api.h>

#include <algorithm>
#include <limits>
#include <map>

#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

constexpr std::size_t kShown = 10;

void Show(std::int64_t row, std::vector<std::int64_t>* shown) {
  if (shown->size() < kShown) shown->push_back(row);
}

Result<std::vector<RowHash>> HashParts(const std::vector<Part>& parts,
                                       const std::vector<std::string>& features,
                                       const std::string& label, double share) {
  std::vector<RowHash> hashes;
  std::vector<std::string> read = features;
  if (!label.empty()) read.push_back(label);
  for (std::uint32_t p = 0; p < parts.size(); ++p) {
    std::int64_t first = 0;
    PENSTOCK_TRY(sdk::ForEachBatch(
        parts[p].path, read, [&](const arrow::RecordBatch& batch) -> Result<void> {
          PENSTOCK_ASSIGN(const auto of_features, sdk::HashRows(batch, features, 0));
          PENSTOCK_ASSIGN(const auto of_rows, sdk::HashRows(batch, read, 0));
          for (std::size_t r = 0; r < of_rows.size(); ++r) {
            if (share < 1 && sdk::UnitInterval(of_features[r]) >= share) continue;
            const auto number = std::min<std::int64_t>(first + std::int64_t(r),
                                                       std::numeric_limits<std::uint32_t>::max());
            hashes.push_back({of_rows[r], of_features[r], p, std::uint32_t(number)});
          }
          first += batch.num_rows();
          return {};
        }));
  }
  return hashes;
}

// Rows of one hash, those of a part in their order.
template <typename Key, typename Visit>
void ForEachGroup(std::vector<RowHash>* hashes, Key key, Visit visit) {
  std::sort(hashes->begin(), hashes->end(), [&](const RowHash& a, const RowHash& b) {
    if (key(a) != key(b)) return key(a) < key(b);
    return a.part != b.part ? a.part < b.part : a.number < b.number;
  });
  for (std::size_t begin = 0; begin < hashes->size();) {
    std::size_t end = begin;
    while (end < hashes->size() && key((*hashes)[end]) == key((*hashes)[begin])) ++end;
    visit(hashes->data() + begin, hashes->data() + end);
    begin = end;
  }
}

void CountEqual(std::vector<RowHash>* hashes, std::size_t parts, Duplicates* found) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, Overlap> overlaps;
  const auto add = [&](std::uint32_t of, std::uint32_t with, const RowHash& row) {
    auto& overlap = overlaps.try_emplace({of, with}, Overlap{of, with, 0, {}}).first->second;
    ++overlap.rows;
    Show(row.number, &overlap.first);
  };
  found->distinct.resize(parts);
  ForEachGroup(
      hashes, [](const RowHash& h) { return h.row; },
      [&](const RowHash* begin, const RowHash* end) {
        std::vector<bool> seen(parts);  // rows are sorted by part
        for (const RowHash* h = begin; h != end; ++h) {
          for (std::uint32_t p = 0; p <= h->part; ++p) {
            if (seen[p]) add(h->part, p, *h);
          }
          found->distinct[h->part] += seen[h->part] ? 0 : 1;
          seen[h->part] = true;
        }
      });
  for (auto& [key, overlap] : overlaps) found->overlaps.push_back(std::move(overlap));
}

// In the first part: equal features with labels that differ.
void CountContradictions(std::vector<RowHash>* hashes, Duplicates* found) {
  ForEachGroup(
      hashes, [](const RowHash& h) { return h.features; },
      [&](const RowHash* begin, const RowHash* end) {
        std::map<std::uint64_t, std::int64_t> labels;
        std::int64_t rows = 0;
        for (const RowHash* h = begin; h != end && h->part == 0; ++h) ++labels[h->row], ++rows;
        if (rows == 0) return;
        std::int64_t most = 0;
        for (const auto& [label, count] : labels) most = std::max(most, count);
        found->with_majority += most;
        if (labels.size() < 2) return;
        found->contradicting += rows;
        ++found->contradicting_groups;
        for (const RowHash* h = begin; h != begin + rows; ++h) {
          Show(h->number, &found->first_contradicting);
        }
      });
}

std::string Percent(std::int64_t some, std::int64_t all) {
  return Short(100 * double(some) / double(all)) + " %";
}

}  // namespace

Result<std::vector<std::string>> ComparedColumns(const std::vector<Part>& parts,
                                                 const std::string& label, bool with_label) {
  std::vector<std::string> names;
  PENSTOCK_ASSIGN(const auto schema, sdk::DatasetSchema(parts.front().path));
  for (const auto& column : schema.columns) {
    using sdk::Role;
    if (column.role == Role::kId || column.role == Role::kIgnored || column.role == Role::kWeight) {
      continue;
    }
    if (column.name != label || with_label) names.push_back(column.name);
  }
  for (const auto& part : parts) {
    PENSTOCK_ASSIGN(const auto other, sdk::DatasetSchema(part.path));
    for (const auto& name : names) {
      if (other.Find(name) != nullptr) continue;
      return Invalid("input " + part.name + " has no column " + name + ", which " +
                     parts.front().name + " has");
    }
  }
  return names;
}

Result<Duplicates> FindDuplicates(const std::vector<Part>& parts, const DuplicateOptions& options) {
  PENSTOCK_ASSIGN(const auto features, ComparedColumns(parts, options.label, false));
  std::int64_t all = 0;
  for (const auto& part : parts) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(part.path));
    all += reader->rows();
  }
  Duplicates found;
  found.share = std::min(1.0, double(options.most_hashes) / double(std::max<std::int64_t>(1, all)));
  PENSTOCK_ASSIGN(auto hashes, HashParts(parts, features, options.label, found.share));
  found.rows.resize(parts.size());
  for (const auto& h : hashes) ++found.rows[h.part];
  CountEqual(&hashes, parts.size(), &found);
  if (!options.label.empty()) CountContradictions(&hashes, &found);
  return found;
}

void SayDuplicates(const std::vector<Part>& parts, const Duplicates& found, Findings* findings) {
  // Rows of few columns are equal by nature: then most rows have others like them.
  constexpr double kByNature = 0.5;
  constexpr double kMany = 0.01;
  for (const auto& overlap : found.overlaps) {
    const double share = double(overlap.rows) / double(found.rows[overlap.of]);
    const bool within = overlap.of == overlap.with;
    const bool by_nature =
        double(found.distinct[overlap.with]) < kByNature * double(found.rows[overlap.with]);
    Severity severity = within || share < kMany ? Severity::kWarning : Severity::kError;
    if (within && share < kMany) severity = Severity::kInfo;
    if (by_nature) severity = within ? Severity::kInfo : Severity::kWarning;
    const std::string& of = parts[overlap.of].name;
    std::string message = std::to_string(overlap.rows) + " rows of " + of + " (" +
                          Percent(overlap.rows, found.rows[overlap.of]) + ") ";
    message +=
        within ? "are equal to one before them" : "also stand in " + parts[overlap.with].name;
    message += by_nature ? "; with so few different rows that is their nature"
               : within  ? "; split's duplicates: drop or together keeps them from counting twice"
                         : ": what is measured there was partly learnt; split's duplicates: "
                           "together or drop keeps equal rows in one part";
    findings->Add({"duplicates",
                   severity,
                   within ? of : of + ", " + parts[overlap.with].name,
                   message,
                   {{"rows", overlap.rows},
                    {"share", share},
                    {"of", of},
                    {"with", parts[overlap.with].name},
                    {"firstRows", overlap.first}}});
  }
  if (found.contradicting == 0) return;
  const double right = double(found.with_majority) / double(found.rows[0]);
  findings->Add({"contradictions",
                 right < 1 - kMany ? Severity::kWarning : Severity::kInfo,
                 parts.front().name,
                 std::to_string(found.contradicting) + " rows of " + parts.front().name + " in " +
                     std::to_string(found.contradicting_groups) +
                     " groups have equal features and different labels: no model of these features "
                     "has more than " +
                     Percent(found.with_majority, found.rows[0]) + " of its rows right",
                 {{"rows", found.contradicting},
                  {"groups", found.contradicting_groups},
                  {"mostRight", right},
                  {"firstRows", found.first_contradicting}}});
}

Json ToJson(const std::vector<Part>& parts, const Duplicates& found) {
  Json json = {{"share", found.share}, {"parts", Json::array()}, {"overlaps", Json::array()}};
  for (std::size_t p = 0; p < parts.size(); ++p) {
    json["parts"].push_back(
        {{"part", parts[p].name}, {"rows", found.rows[p]}, {"distinct", found.distinct[p]}});
  }
  for (const auto& overlap : found.overlaps) {
    json["overlaps"].push_back({{"of", parts[overlap.of].name},
                                {"with", parts[overlap.with].name},
                                {"rows", overlap.rows},
                                {"firstRows", overlap.first}});
  }
  json["contradicting"] = found.contradicting;
  json["withMajority"] = found.with_majority;
  return json;
}

}  // namespace penstock::audit
