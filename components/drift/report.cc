#include "components/drift/report.h"

#include <cmath>

namespace penstock::drift {
namespace {

Json ColumnJson(const ColumnDrift& column) {
  Json json = {{"column", column.name},
               {"kind", Name(column.kind)},
               {"statistic", Name(column.statistic)},
               {"value", column.value},
               {"chance", column.chance},
               {"effect", column.effect},
               {"floor", column.floor},
               {"p", column.p},
               {"adjustedP", column.adjusted},
               {"draws", column.draws},
               {"drifted", column.drifted},
               {"where",
                {{column.up_to ? "upTo" : "value", column.at},
                 {"reference", column.shares[0]},
                 {"current", column.shares[1]}}},
               {"rows", {{"reference", column.rows[0]}, {"current", column.rows[1]}}},
               {"nulls", {{"reference", column.nulls[0]}, {"current", column.nulls[1]}}}};
  if (column.at_most) json["atMost"] = *column.at_most;
  if (column.undecided) json["undecided"] = true;
  if (!column.note.empty()) json["note"] = column.note;
  if (!column.methods.empty()) json["methods"] = column.methods;
  if (!column.bins.empty()) json["bins"] = column.bins;
  return json;
}

Json SaidJson(const std::vector<Pairing::Said>& list) {
  Json json = Json::array();
  for (const auto& said : list) json.push_back({{"column", said.column}, {"why", said.why}});
  return json;
}

Json SliceJson(const SliceDrift& slice) {
  Json json = {{"column", slice.column},
               {"value", slice.value},
               {"rows", {{"reference", slice.rows[0]}, {"current", slice.rows[1]}}},
               {"drifted", Json::array()},
               {"columns", Json::array()}};
  for (const ColumnDrift& column : slice.columns) {
    if (column.drifted) json["drifted"].push_back(column.name);
    json["columns"].push_back(ColumnJson(column));
  }
  return json;
}

Json ClassifierJson(const Comparison& comparison) {
  if (!comparison.classified) return nullptr;
  const Domain& domain = comparison.domain;
  if (!domain.why_not.empty()) return {{"skipped", domain.why_not}};
  Json told = Json::array();
  for (const auto& [column, share] : domain.told_by) {
    told.push_back({{"column", column}, {"share", share}});
  }
  return {{"auc", domain.auc},
          {"p", domain.p},
          {"drifted", comparison.domain_drifted},
          {"toldBy", told}};
}

}  // namespace

std::vector<std::string> DriftedSlices(const Comparison& comparison) {
  std::vector<std::string> list;
  for (const SliceDrift& slice : comparison.slices) {
    for (const ColumnDrift& column : slice.columns) {
      if (column.drifted) list.push_back(slice.column + "=" + slice.value + ": " + column.name);
    }
  }
  return list;
}

Json ReportJson(const Comparison& comparison, const Options& options) {
  const auto side = [&](std::size_t i) {
    return Json{{"rows", comparison.rows[i]}, {"looked", comparison.looked[i]}};
  };
  Json json = {{"formatVersion", 1},
               {"verdict", comparison.Verdict()},
               {"drifted", comparison.Drifted()},
               {"undecided", comparison.Undecided()},
               {"alpha", options.alpha},
               {"seed", options.seed},
               {"by", comparison.of_statistics ? "statistics" : "rows"},
               {"reference", side(0)},
               {"current", side(1)},
               {"missing", comparison.pairing.missing},
               {"added", comparison.pairing.added},
               {"changed", SaidJson(comparison.pairing.changed)},
               {"skipped", SaidJson(comparison.pairing.skipped)},
               {"overruled", SaidJson(comparison.overruled)},
               {"unlikeSchema", SaidJson(comparison.unlike_schema)},
               {"columns", Json::array()},
               {"slices", Json::array()},
               {"smallSlices", comparison.small_slices},
               {"classifier", ClassifierJson(comparison)}};
  if (!options.blocks.empty()) {
    json["by"] = {{"blocks", options.blocks},
                  {"reference", comparison.blocks[0]},
                  {"current", comparison.blocks[1]},
                  {"leastP", comparison.least_p}};
  }
  for (const ColumnDrift& column : comparison.columns) {
    json["columns"].push_back(ColumnJson(column));
  }
  for (const SliceDrift& slice : comparison.slices) json["slices"].push_back(SliceJson(slice));
  return json;
}

}  // namespace penstock::drift
