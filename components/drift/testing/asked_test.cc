// What a schema asks of drift, and what the parameters say otherwise.
#include <gtest/gtest.h>

#include <stdexcept>

#include "components/drift/compare.h"
#include "components/drift/report.h"
#include "components/drift/testing/made_table.h"
#include "components/sdk/testing/test_data.h"

namespace penstock::drift {
namespace {

// The table against one whose delays are a tenth of a deviation later, under a schema.
class SchemaDrift : public ::testing::Test {
 protected:
  SchemaDrift() {
    sdk::WriteDataset(folder_ / "r", {Table({.rows = 30'000, .text = true})});
    sdk::WriteDataset(folder_ / "c",
                      {Table({.rows = 30'000, .seed = 2, .shift = 0.1, .text = true})});
    schema_ = *sdk::DatasetSchema(folder_ / "r");
  }

  sdk::Comparison& DriftOf(const std::string& name) {
    for (auto& column : schema_.columns) {
      if (column.name == name) return column.constraints.drift;
    }
    throw std::out_of_range(name);
  }
  Result<Comparison> Run(Json parameters = Json::object()) {
    parameters["classifier"] = false;
    const auto options = ReadOptions(parameters);
    if (!options) return options.error();
    return Compare(folder_ / "r", folder_ / "c", &schema_, *options);
  }
  static const ColumnDrift* Find(const Comparison& comparison, const std::string& name) {
    for (const ColumnDrift& column : comparison.columns) {
      if (column.name == name) return &column;
    }
    return nullptr;
  }

  const sdk::TestFolder folder_;
  sdk::Schema schema_;
};

TEST_F(SchemaDrift, HasTheFloorAndTheStatisticThatTheSchemaAsks) {
  EXPECT_EQ(Run()->Drifted(), std::vector<std::string>{});
  DriftOf("delay").floor = 0.02;
  DriftOf("carrier").statistic = "lInfinity";
  DriftOf("stops").statistic = "wasserstein";
  const auto comparison = Run();
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_EQ(comparison->Drifted(), std::vector<std::string>{"delay"});
  EXPECT_EQ(Find(*comparison, "delay")->floor, 0.02);
  EXPECT_EQ(Find(*comparison, "carrier")->statistic, Statistic::kLInfinity);
  EXPECT_EQ(Find(*comparison, "carrier")->floor, 0.05);
  EXPECT_EQ(Find(*comparison, "stops")->statistic, Statistic::kWasserstein);
  EXPECT_TRUE(comparison->overruled.empty());
}

TEST_F(SchemaDrift, LeavesOutWhatTheSchemaIgnoresUnlessItIsNamed) {
  DriftOf("stops").ignore = true;
  const auto comparison = Run();
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_EQ(Find(*comparison, "stops"), nullptr);
  ASSERT_EQ(comparison->pairing.skipped.size(), 1U);
  EXPECT_EQ(comparison->pairing.skipped[0].why, "the schema says ignore");
  const auto named = Run({{"columns", {"stops", "late"}}});
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_NE(Find(*named, "stops"), nullptr);
  ASSERT_EQ(named->overruled.size(), 1U);
  EXPECT_EQ(named->overruled[0].why, "the schema says ignore, the parameters name the column");
}

TEST_F(SchemaDrift, GivesWayToParametersAndSaysSo) {
  DriftOf("delay").floor = 0.02;
  DriftOf("carrier").statistic = "psi";
  DriftOf("carrier").floor = 0.3;
  const Json settings = {{"delay", {{"floor", 0.04}}}, {"carrier", {{"statistic", "lInfinity"}}}};
  const auto comparison = Run({{"settings", settings}});
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_EQ(Find(*comparison, "delay")->floor, 0.04);
  EXPECT_EQ(Find(*comparison, "carrier")->statistic, Statistic::kLInfinity);
  EXPECT_EQ(Find(*comparison, "carrier")->floor, 0.05);  // the schema's is of psi
  ASSERT_EQ(comparison->overruled.size(), 3U);
  EXPECT_EQ(comparison->overruled[0].why,
            "the schema asks for a floor of 0.02 of ks, the parameters make it 0.04 of ks");
  EXPECT_EQ(comparison->overruled[1].why,
            "the schema asks for the statistic psi, the parameters say lInfinity");
  EXPECT_EQ(comparison->overruled[2].why,
            "the schema asks for a floor of 0.3 of psi, the parameters make it 0.05 of lInfinity");
  const Json report = ReportJson(*comparison, Options());
  EXPECT_EQ(report["overruled"][0]["column"], "delay");
  EXPECT_NE(ReportPage(*comparison, Options()).find("Parameters over the schema"),
            std::string::npos);
  // Of a kind as well, where the floor is of the same statistic.
  const auto by_kind = Run({{"floors", {{"number", 0.01}}}, {"statistics", {{"category", "psi"}}}});
  ASSERT_TRUE(by_kind) << by_kind.error().message;
  EXPECT_EQ(Find(*by_kind, "delay")->floor, 0.01);
  EXPECT_EQ(Find(*by_kind, "carrier")->floor, 0.3);
  EXPECT_EQ(by_kind->overruled.size(), 1U);
}

TEST_F(SchemaDrift, OfATextIsByWordsOrByValuesAsItsStatisticSays) {
  EXPECT_EQ(Find(*Run(), "note")->kind, Kind::kText);
  DriftOf("note").statistic = "jensenShannon";
  EXPECT_EQ(Find(*Run(), "note")->kind, Kind::kCategory);
  DriftOf("note").statistic = "";
  DriftOf("carrier").statistic = "presence";
  EXPECT_EQ(Find(*Run(), "carrier")->kind, Kind::kText);
}

TEST_F(SchemaDrift, RefusesAStatisticThatCannotDecide) {
  DriftOf("late").statistic = "ks";
  const auto misfit = Run();
  ASSERT_FALSE(misfit);
  EXPECT_NE(misfit.error().message.find("the schema's drift.statistic of 'late': ks does not"),
            std::string::npos)
      << misfit.error().message;
  DriftOf("late").statistic = "kolmogorov";
  const auto unknown = Run();
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("drift.statistic of 'late' is 'kolmogorov'"),
            std::string::npos)
      << unknown.error().message;
  DriftOf("late").statistic = "";
  const auto setting = Run({{"settings", {{"late", {{"statistic", "ks"}}}}}});
  ASSERT_FALSE(setting);
  EXPECT_NE(setting.error().message.find("settings.late.statistic"), std::string::npos);
}

}  // namespace
}  // namespace penstock::drift
