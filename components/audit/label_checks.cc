#include "components/audit/label_checks.h"

#include <algorithm>
#include <map>

#include "components/audit/labels/ceiling.h"
#include "components/audit/labels/confident.h"
#include "components/audit/labels/labellers.h"
#include "operator/base/try.h"

namespace penstock::audit {
namespace {

// Each labeller's column of the table as classes that all share.
Result<Labelled> LabelledOf(const Table& table, const std::vector<std::string>& labellers) {
  constexpr std::size_t kMostClassesOfLabellers = 1000;
  Labelled labelled;
  labelled.labellers = labellers;
  labelled.labels.assign(table.rows.size(), {});
  std::map<std::string, std::uint32_t> texts;
  std::map<double, std::uint32_t> numbers;
  bool all_real = true;
  for (const auto& name : labellers) {
    const TableColumn* column = table.Find(name);
    if (column == nullptr) return Invalid("labellers: there is no column " + name);
    all_real = all_real && column->type == sdk::ColumnType::kFloat64;
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      std::uint32_t label = kNoLabel;
      if (!column->IsNull(r)) {
        const auto next = std::uint32_t(texts.size() + numbers.size());
        if (column->text() && column->codes[r] >= column->values.size()) {
          return Invalid("labellers: column " + name + " has more than 1,000 labels");
        }
        label = column->text()
                    ? texts.try_emplace(column->values[column->codes[r]], next).first->second
                    : numbers.try_emplace(column->numbers[r], next).first->second;
      }
      labelled.labels[r].push_back(label);
    }
  }
  labelled.classes = texts.size() + numbers.size();
  if (!texts.empty() && !numbers.empty()) {
    return Invalid("labellers: some give texts and some numbers; make them alike with query");
  }
  if (labelled.classes > kMostClassesOfLabellers) {
    return Invalid("labellers: they gave more than 1,000 different labels; round them with query");
  }
  if (all_real && texts.empty()) {
    labelled.values.resize(labelled.classes);
    for (const auto& [value, number] : numbers) labelled.values[number] = value;
  }
  return labelled;
}

Result<void> CheckLabellers(const Table& table, const Options& options, Audited* audited) {
  if (options.labellers.empty()) return {};
  PENSTOCK_ASSIGN(const auto labelled, LabelledOf(table, options.labellers));
  const auto agreements = AgreementsOf(labelled, options.leakage.confidence, options.seed);
  if (agreements.empty()) {
    return Invalid("labellers: no row has labels of two of them that could differ");
  }
  SayAgreement(agreements, options.least_agreement, &audited->findings);
  Json listed = Json::array();
  for (const auto& a : agreements) listed.push_back(ToJson(a));
  audited->report["agreement"] = std::move(listed);
  return {};
}

Result<void> CheckIssues(const std::string& predictions, const Options& options, Audited* audited) {
  if (predictions.empty()) return {};
  if (options.label.empty()) return Invalid("predictions: label must say which column it is");
  PENSTOCK_ASSIGN(audited->predictions,
                  LoadPredictions(predictions, options.label, options.positive));
  const Predictions& p = audited->predictions;
  audited->issues = LabelIssuesOf(p.probabilities, p.labels, p.classes.size());
  const double share =
      double(audited->issues.size()) / double(std::max<std::size_t>(1, p.rows.size()));
  audited->report["labelIssues"] = {
      {"rows", p.rows.size()}, {"issues", audited->issues.size()}, {"share", share}};
  if (audited->issues.empty()) return {};
  Json shown = Json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(50, audited->issues.size()); ++i) {
    const auto& issue = audited->issues[i];
    shown.push_back({{"dataset", p.in_second[issue.row] != 0 ? "valid" : "train"},
                     {"row", p.rows[issue.row]},
                     {"label", p.classes[issue.given]},
                     {"likely", p.classes[issue.likely]},
                     {"quality", issue.quality}});
  }
  audited->report["labelIssues"]["shown"] = shown;
  audited->findings.Add(
      {"labelIssues",
       share > options.most_issues ? Severity::kWarning : Severity::kInfo,
       options.label,
       std::to_string(audited->issues.size()) + " of " + std::to_string(p.rows.size()) +
           " labels (" + Short(100 * share) +
           " %) are likely wrong by answers to rows that were held out; the output issues names "
           "them, the surest first: look at them, and correct or leave out",
       {{"issues", audited->issues.size()}, {"share", share}}});
  return {};
}

}  // namespace

Result<void> AuditLabels(const Given& given, const Table& table, const Target* target,
                         const Options& options, Audited* audited) {
  PENSTOCK_TRY(CheckIssues(given.predictions, options, audited));
  PENSTOCK_TRY(CheckLabellers(table, options, audited));
  if (target == nullptr) return {};
  const auto ceilings = CeilingsOf(*target);
  SayCeilings(ceilings, options.label, &audited->findings);
  Json listed = Json::object();
  for (const auto& c : ceilings) listed[c.metric] = c.why.empty() ? Json(c.value) : Json();
  audited->report["ceiling"] = std::move(listed);
  return {};
}

}  // namespace penstock::audit
