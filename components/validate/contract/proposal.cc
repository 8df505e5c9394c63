#include "components/validate/contract/proposal.h"

#include <algorithm>
#include <cmath>

#include "components/validate/contract/schema_check.h"

namespace penstock::validate {
namespace {

constexpr std::size_t kMostValues = 100;

bool IsListed(const Json& domain, const Json& value) {
  return std::find(domain.begin(), domain.end(), value) != domain.end();
}

Json DomainOf(const statistics::Column& c, const std::set<std::string>& personal) {
  if (c.kind != statistics::Kind::kText || !c.top_complete || c.top.empty() ||
      c.top.size() > kMostValues || 2 * c.distinct > c.count() || personal.contains(c.name)) {
    return nullptr;
  }
  Json domain = Json::array();
  for (const auto& [value, count] : c.top) domain.push_back(value);
  std::sort(domain.begin(), domain.end());
  return domain;
}

sdk::CountRange LengthsOf(const statistics::Column& c) {
  if (c.kind != statistics::Kind::kList || !c.lengths) return {};
  return {std::int64_t(c.lengths->min), std::int64_t(c.lengths->max)};
}

sdk::SchemaColumn Inferred(const sdk::SchemaColumn& seen, const statistics::Column& c,
                           const std::set<std::string>& personal) {
  sdk::SchemaColumn column = seen;
  column.nullable = c.nulls > 0;
  if (c.nulls > 0 && c.nulls < c.rows) column.constraints.presence_count = 1;
  column.domain = DomainOf(c, personal);
  column.constraints.value_count = LengthsOf(c);
  if (column.type == "float64") {
    column.constraints.disallow_nan = c.nan == 0;
    column.constraints.disallow_infinite = c.positive_infinite + c.negative_infinite == 0;
  }
  return column;
}

void WidenCounts(sdk::CountRange& range, std::int64_t least, std::int64_t most) {
  if (range.minimum) range.minimum = std::min(*range.minimum, least);
  if (range.maximum) range.maximum = std::max(*range.maximum, most);
}

void WidenDomain(sdk::SchemaColumn& column, const statistics::Column& c,
                 const std::set<std::string>& personal) {
  if (column.domain.is_array()) {
    // With values that are not known the list would refuse them.
    if (!c.top_complete || personal.contains(c.name)) {
      column.domain = nullptr;
    } else {
      for (const auto& [value, count] : c.top) {
        if (!IsListed(column.domain, value)) column.domain.push_back(value);
      }
    }
  } else if (column.domain.is_object() && c.numbers) {
    const bool whole = column.type == "int64";
    const auto widen = [&](const char* key, double end, bool infinite, bool below) {
      if (!column.domain.contains(key)) return;
      const double bound = column.domain[key].get<double>();
      if (infinite || std::abs(end) >= 0x1p53) {
        if (infinite || (below ? end < bound : end > bound)) column.domain.erase(key);
      } else if (below ? end < bound : end > bound) {
        column.domain[key] = whole ? Json(std::int64_t(end)) : Json(end);
      }
    };
    widen("minimum", c.numbers->min, c.negative_infinite > 0, true);
    widen("maximum", c.numbers->max, c.positive_infinite > 0, false);
    if (column.domain.empty()) column.domain = nullptr;
  }
  if (column.domain.is_null()) column.constraints.domain_mass.reset();
}

void Widen(sdk::SchemaColumn& column, const statistics::Column& c,
           const std::set<std::string>& personal) {
  auto& constraints = column.constraints;
  const std::int64_t present = c.rows - c.nulls;
  if (c.nulls > 0 && !column.nullable) {
    column.nullable = true;
    constraints.presence_fraction.reset();
  }
  if (constraints.presence_fraction && c.rows > 0) {
    constraints.presence_fraction =
        std::min(*constraints.presence_fraction, double(present) / double(c.rows));
  }
  if (constraints.presence_count) {
    constraints.presence_count = std::min(*constraints.presence_count, present);
  }
  if (c.nan > 0) constraints.disallow_nan = false;
  if (c.positive_infinite + c.negative_infinite > 0) constraints.disallow_infinite = false;
  const auto lengths = LengthsOf(c);
  if (lengths.IsGiven()) WidenCounts(constraints.value_count, *lengths.minimum, *lengths.maximum);
  WidenCounts(constraints.distinct, c.distinct, c.distinct);
  WidenDomain(column, c, personal);
}

bool PatternFails(const std::vector<Anomaly>& anomalies, const std::string& column) {
  return std::any_of(anomalies.begin(), anomalies.end(), [&](const Anomaly& a) {
    return a.type == "RULE_PATTERN" && a.rule.empty() && a.column == column;
  });
}

// Of a column that the schema has. A column that the data lacks stays where another environment
// has it.
std::optional<sdk::SchemaColumn> Evolved(const ProposalInput& input, sdk::SchemaColumn column) {
  const auto* c = input.data->Find(column.name);
  if (c == nullptr) {
    if (!IsIn(column, input.environment)) return column;
    if (input.environment.empty()) return std::nullopt;
    auto& c2 = column.constraints;
    c2.environments.erase(
        std::remove(c2.environments.begin(), c2.environments.end(), input.environment),
        c2.environments.end());
    c2.not_in.push_back(input.environment);
    return column;
  }
  if (c->type != column.type && c->nulls < c->rows) {
    const auto* seen = input.seen->Find(column.name);
    if (seen == nullptr) return std::nullopt;
    auto other = Inferred(*seen, *c, input.personal);
    other.role = column.role;
    other.constraints.environments = column.constraints.environments;
    other.constraints.not_in = column.constraints.not_in;
    return other;
  }
  if (c->type == column.type || c->nulls == c->rows) Widen(column, *c, input.personal);
  if (PatternFails(*input.anomalies, column.name)) column.constraints.pattern.clear();
  return column;
}

}  // namespace

sdk::Schema Propose(const ProposalInput& input) {
  sdk::Schema out;
  if (input.given != nullptr) {
    out.environments = input.given->environments;
    out.rows = input.given->rows;
    WidenCounts(out.rows.count, input.data->rows, input.data->rows);
    for (const auto& column : input.given->columns) {
      if (auto evolved = Evolved(input, column)) out.columns.push_back(std::move(*evolved));
    }
  }
  for (const auto& seen : input.seen->columns) {
    const auto* c = input.data->Find(seen.name);
    const bool known = input.given != nullptr && input.given->Find(seen.name) != nullptr;
    if (c != nullptr && !known) out.columns.push_back(Inferred(seen, *c, input.personal));
  }
  return out;
}

}  // namespace penstock::validate
