#include "components/postgres/types.h"

#include <arrow/type.h>

#include <cstdlib>
#include <set>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::postgres {
namespace {

constexpr std::int32_t kMostDigits = 38;  // of a decimal of 128 bits

// By the names of the server's functions, which are those of its source (pg_proc.dat).
const std::map<std::string, Wire>& Wires() {
  static const std::map<std::string, Wire> kWires = {{"boolsend", Wire::kBool},
                                                     {"int2send", Wire::kInt16},
                                                     {"int4send", Wire::kInt32},
                                                     {"int8send", Wire::kInt64},
                                                     {"oidsend", Wire::kOid},
                                                     {"float4send", Wire::kFloat32},
                                                     {"float8send", Wire::kFloat64},
                                                     {"numeric_send", Wire::kNumeric},
                                                     {"textsend", Wire::kText},
                                                     {"varcharsend", Wire::kText},
                                                     {"bpcharsend", Wire::kText},
                                                     {"namesend", Wire::kText},
                                                     {"charsend", Wire::kText},
                                                     {"enum_send", Wire::kText},
                                                     {"unknownsend", Wire::kText},
                                                     {"xml_send", Wire::kText},
                                                     {"json_send", Wire::kText},
                                                     {"jsonb_send", Wire::kJsonb},
                                                     {"byteasend", Wire::kBytes},
                                                     {"date_send", Wire::kDate},
                                                     {"time_send", Wire::kTime},
                                                     {"timestamp_send", Wire::kTimestamp},
                                                     {"timestamptz_send", Wire::kTimestamp},
                                                     {"uuid_send", Wire::kUuid}};
  return kWires;
}

// numeric(p,s) as its modifier says it (numeric.c: make_numeric_typmod): the scale is 11 bits with
// a sign.
Result<std::shared_ptr<arrow::DataType>> DecimalOf(std::int32_t modifier) {
  const std::int32_t packed = modifier - 4;
  const std::int32_t precision = (packed >> 16) & 0xFFFF;
  const std::int32_t scale = ((packed & 0x7FF) ^ 1024) - 1024;
  if (modifier < 4) {
    return Invalid(
        "is numeric without a precision, of any number of digits; write "
        "CAST(... AS double precision), or AS numeric(18,2), or AS text to keep all "
        "digits");
  }
  if (precision > kMostDigits || scale < 0 || scale > precision) {
    return Invalid("is numeric(" + std::to_string(precision) + "," + std::to_string(scale) +
                   "); a dataset's decimals have up to 38 digits, of which the scale is a part; "
                   "write CAST(... AS double precision), or AS text to keep all digits");
  }
  return arrow::decimal128(precision, scale);
}

Result<std::shared_ptr<arrow::DataType>> ArrowTypeOf(Wire wire, bool zoned, std::int32_t modifier) {
  switch (wire) {
    case Wire::kBool:
      return arrow::boolean();
    case Wire::kInt16:
      return arrow::int16();
    case Wire::kInt32:
      return arrow::int32();
    case Wire::kInt64:
      return arrow::int64();
    case Wire::kOid:
      return arrow::uint32();
    case Wire::kFloat32:
      return arrow::float32();
    case Wire::kFloat64:
      return arrow::float64();
    case Wire::kNumeric:
      return DecimalOf(modifier);
    case Wire::kBytes:
      return arrow::binary();
    case Wire::kDate:
      return arrow::date32();
    case Wire::kTime:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case Wire::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO, zoned ? "UTC" : "");
    case Wire::kText:
    case Wire::kJsonb:
    case Wire::kUuid:
      return arrow::utf8();
  }
  return Internal("a wire form without a type");
}

std::string AdviceFor(const CatalogType& type) {
  if (type.send == "interval_send")
    return "; months have no length: write EXTRACT(epoch FROM ...) for seconds, or CAST(... AS "
           "text)";
  if (type.send == "cash_send") return "; write CAST(... AS numeric(18,2))";
  if (type.send == "timetz_send") return "; write CAST(... AS time), or AS text";
  if (type.send == "void_send") return "; a function that gives nothing is no column";
  return "; write CAST(... AS text), or leave it out";
}

Result<ColumnPlan> PlanColumn(const AnswerColumn& column, const CatalogType& type) {
  ColumnPlan plan;
  plan.name = column.name;
  plan.list = type.send == "array_send";
  const std::string& send = plan.list ? type.element : type.send;
  const auto wire = Wires().find(send);
  if (wire == Wires().end()) {
    return Invalid("is " + (type.name.empty() ? "of an unknown type" : type.name) +
                   ", which a dataset does not have" + AdviceFor(type));
  }
  plan.wire = wire->second;
  PENSTOCK_ASSIGN(plan.value_type,
                  ArrowTypeOf(plan.wire, send == "timestamptz_send", column.modifier));
  plan.type = plan.list ? arrow::list(plan.value_type) : plan.value_type;
  return plan;
}

}  // namespace

Result<std::vector<ColumnPlan>> PlanColumns(const std::vector<AnswerColumn>& columns,
                                            const Catalog& catalog) {
  std::vector<ColumnPlan> plans;
  std::string problems;
  for (const auto& column : columns) {
    const auto type = catalog.find(column.type);
    auto plan = PlanColumn(column, type == catalog.end() ? CatalogType{} : type->second);
    if (plan) {
      plans.push_back(*std::move(plan));
      continue;
    }
    problems += (problems.empty() ? "" : "; ") + ("column '" + plan::Shown(column.name, 120)) +
                "' " + plan.error().message;
  }
  if (!problems.empty()) return Invalid(problems);
  return plans;
}

Result<Catalog> ReadCatalog(Connection& connection, const std::vector<AnswerColumn>& columns) {
  std::set<std::uint32_t> types;
  for (const auto& column : columns) types.insert(column.type);
  std::string list;
  for (const auto type : types) list += (list.empty() ? "" : ",") + std::to_string(type);
  // Functions of extensions have names of their own choosing, which must not be taken for the
  // server's. An array of a fixed length (point, name) is no array to array_send.
  const std::string query =
      "SELECT t.oid::text, pg_catalog.format_type(t.oid, NULL), CASE WHEN l.lanname = 'internal' "
      "THEN p.prosrc ELSE '' END, COALESCE(CASE WHEN el.lanname = 'internal' THEN ep.prosrc END, "
      "'') FROM pg_catalog.pg_type t JOIN pg_catalog.pg_proc p ON p.oid = t.typsend JOIN "
      "pg_catalog.pg_language l ON l.oid = p.prolang LEFT JOIN pg_catalog.pg_type e ON e.oid = "
      "t.typelem LEFT JOIN pg_catalog.pg_proc ep ON ep.oid = e.typsend LEFT JOIN "
      "pg_catalog.pg_language el ON el.oid = ep.prolang WHERE t.oid = ANY "
      "(pg_catalog.string_to_array($1, ',')::pg_catalog.oid[])";
  if (auto columns_of_it = connection.Prepare(query); !columns_of_it) return columns_of_it.error();
  Catalog catalog;
  PENSTOCK_TRY(connection.Execute({list}, false, [&](const Row& row) -> Result<void> {
    const auto text = [&](std::size_t i) { return std::string(row[i].value_or("")); };
    catalog[std::uint32_t(std::strtoul(text(0).c_str(), nullptr, 10))] = {text(1), text(2),
                                                                          text(3)};
    return {};
  }));
  return catalog;
}

}  // namespace penstock::postgres
