// TFDV 1.16.1 said what is wrong with each of these tables (testdata/tfdv_cases.py); so do we.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <limits>

#include "components/sdk/schema.h"
#include "components/validate/testing/validate_run.h"

namespace penstock::validate {
namespace {

const Json& Cases() {
  static const Json kCases =
      Json::parse(TextOfFile(std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testdata/tfdv_cases.json"));
  return kCases;
}

void Check(const arrow::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

double NumberOf(const Json& value) {
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  return value.get<double>();
}

std::shared_ptr<arrow::Array> ArrayOf(const Json& column, std::size_t rows) {
  const std::string type = column["type"];
  arrow::StringBuilder texts;
  arrow::Int64Builder integers;
  arrow::DoubleBuilder numbers;
  auto elements = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), elements);
  arrow::ArrayBuilder* builder = &lists;
  if (type == "string") builder = &texts;
  if (type == "int64") builder = &integers;
  if (type == "float64") builder = &numbers;
  for (std::size_t r = 0; r < rows; ++r) {
    const Json& value = column["values"][r];
    if (value.is_null()) {
      Check(builder->AppendNull());
    } else if (type == "string") {
      Check(texts.Append(value.get<std::string>()));
    } else if (type == "int64") {
      Check(integers.Append(value.get<std::int64_t>()));
    } else if (type == "float64") {
      Check(numbers.Append(NumberOf(value)));
    } else {
      Check(lists.Append());
      for (const auto& element : value) Check(elements->Append(element.get<std::string>()));
    }
  }
  return builder->Finish().ValueOrDie();
}

void WriteTable(const std::string& folder, const Json& columns, std::size_t rows) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, column] : columns.items()) {
    arrays.push_back(ArrayOf(column, rows));
    fields.push_back(arrow::field(name, arrays.back()->type()));
  }
  sdk::WriteDataset(folder,
                    {arrow::RecordBatch::Make(arrow::schema(fields), std::int64_t(rows), arrays)});
}

struct Compared {
  Ran ran;
  std::map<std::string, std::set<std::string>> expected;
};

Compared RunCase(const Json& tfdv) {
  const sdk::TestFolder folder;
  const std::size_t all = Cases()["rows"];
  Json columns = Cases()["columns"];
  columns.update(tfdv["set"]);
  for (const auto& name : tfdv.value("drop", Json::array())) columns.erase(name.get<std::string>());
  WriteTable(folder / "data", columns, tfdv.value("rows", all));
  Json before = Cases()["columns"];
  for (const auto& name : tfdv.value("dropBefore", Json::array())) {
    before.erase(name.get<std::string>());
  }
  WriteTable(folder / "before", before, all);
  std::ofstream(folder / "schema.yaml") << Cases()["schema"].get<std::string>();
  Json parameters = Json::object();
  if (tfdv.contains("environment")) parameters["environment"] = tfdv["environment"];
  Compared compared;
  compared.ran = Validate(folder, parameters,
                          {{"dataset", folder / "data"},
                           {"schema", folder / "schema.yaml"},
                           {"previous", folder / "before"}});
  for (const auto& [column, types] : tfdv["anomalies"].items()) {
    compared.expected[column] = types.get<std::set<std::string>>();
  }
  return compared;
}

TEST(Tfdv, FindsNothingInThePristineTable) {
  const auto compared = RunCase(Cases()["cases"][0]);
  EXPECT_EQ(compared.ran.error, "");
  EXPECT_TRUE(compared.ran.report["anomalies"].empty()) << compared.ran.report.dump(1);
  EXPECT_EQ(compared.ran.report["verdict"], "Pass");
}

TEST(Tfdv, NamesTwelveCorruptionsAsItDoes) {
  std::set<std::string> names;
  for (std::size_t i = 1; i <= 12; ++i) {
    const Json& tfdv = Cases()["cases"][i];
    const auto compared = RunCase(tfdv);
    EXPECT_EQ(compared.ran.error, "") << tfdv["name"];
    EXPECT_EQ(compared.ran.types, compared.expected) << tfdv["name"];
    EXPECT_EQ(compared.ran.report["verdict"], "Fail") << tfdv["name"];
    ASSERT_EQ(compared.expected.size(), 1U) << tfdv["name"];
    names.insert(*compared.expected.begin()->second.begin());
  }
  EXPECT_EQ(names.size(), 12U);
}

TEST(Tfdv, NamesWhatElseIsWrongAsItDoes) {
  const Json& cases = Cases()["cases"];
  for (std::size_t i = 13; i < cases.size(); ++i) {
    const auto compared = RunCase(cases[i]);
    EXPECT_EQ(compared.ran.error, "") << cases[i]["name"];
    EXPECT_EQ(compared.ran.types, compared.expected) << cases[i]["name"];
  }
}

TEST(Tfdv, MeasuresTheSameDistances) {
  const Json& cases = Cases()["cases"];
  for (const auto& tfdv : cases) {
    const auto compared = RunCase(tfdv);
    for (const auto& m : compared.ran.report["measurements"]) {
      // TFDV's histograms come out of a sketch of its own.
      const double tolerance = m["measure"] == "infinityNorm" ? 1e-9 : 0.01;
      EXPECT_NEAR(m["value"].get<double>(),
                  tfdv["drift"][m["column"].get<std::string>()].get<double>(), tolerance)
          << tfdv["name"] << " " << m["column"];
    }
  }
}

}  // namespace
}  // namespace penstock::validate
