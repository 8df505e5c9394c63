#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "operator/base/sha256.h"
#include "operator/gateway/mlflow/testing/mlflow_fixture.h"
#include "operator/metadata/query.h"

namespace penstock::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LoggedModelsOfMlflow : public MlflowRoutes {
 protected:
  Json Get(const std::string& model) { return Ask("GET", "logged-models/" + model)["model"]; }
  std::vector<std::string> Names(const Json& search) {
    std::vector<std::string> names;
    const Json answer = Post("logged-models/search", search);
    for (const Json& m : answer["models"]) names.push_back(m["info"]["name"]);
    return names;
  }
};

TEST_F(LoggedModelsOfMlflow, OneIsMadeFilledFinishedAndFoundByItsRun) {
  const std::string run = NewRun();
  const std::string id = NewModel({{"source_run_id", run},
                                   {"model_type", "tree"},
                                   {"params", {{{"key", "depth"}, {"value", "3"}}}},
                                   {"tags", {{{"key", "team"}, {"value", "x"}}}}});
  ASSERT_EQ(status_, 200);
  EXPECT_THAT(id, ::testing::MatchesRegex("m-[0-9a-f]+"));
  EXPECT_EQ(Get(id)["info"]["status"], "LOGGED_MODEL_PENDING");
  EXPECT_EQ(Get(id)["info"]["artifact_uri"], "mlflow-artifacts:/0/models/" + id + "/artifacts");
  Put("0/models/" + id + "/artifacts/data/model.pkl", "bytes");
  ASSERT_EQ(status_, 200);
  EXPECT_EQ(Got("0/models/" + id + "/artifacts/data/model.pkl"), "bytes");
  Post("runs/outputs", {{"run_id", run}, {"models", {{{"model_id", id}, {"step", 7}}}}});
  ASSERT_EQ(status_, 200);
  EXPECT_EQ(Ask("GET", "runs/get?run_id=" + run)["run"]["outputs"]["model_outputs"],
            Json::parse(R"([{"model_id": ")" + id + R"(", "step": 7}])"));
  Post("runs/log-batch",
       {{"run_id", run},
        {"metrics",
         {{{"key", "auc"}, {"value", 0.5}, {"timestamp", 1}, {"step", 1}, {"model_id", id}},
          {{"key", "loss"}, {"value", 2}, {"timestamp", 1}, {"step", 1}}}}});
  ASSERT_EQ(status_, 200);
  Ask("PATCH", "logged-models/" + id, R"({"status": "LOGGED_MODEL_READY"})");
  const Json model = Get(id);
  EXPECT_EQ(model["info"]["status"], "LOGGED_MODEL_READY");
  ASSERT_EQ(model["data"]["metrics"].size(), 1U);
  EXPECT_EQ(model["data"]["metrics"][0]["value"], 0.5);
  EXPECT_EQ(model["data"]["params"], Json::parse(R"([{"key": "depth", "value": "3"}])"));
  EXPECT_EQ(DataOf(run)["metrics"].size(), 2U);
  for (const char* filter :
       {"name = 'forest'", "params.depth = '3' and tags.team = 'x'", "metrics.auc > 0.4",
        "status = 'READY' and model_type LIKE 'tr%'", "creation_time > 0"})
    EXPECT_THAT(Names({{"experiment_ids", {"0"}}, {"filter", filter}}), ElementsAre("forest"))
        << filter;
  EXPECT_TRUE(Names({{"experiment_ids", {"0"}}, {"filter", "metrics.auc > 0.5"}}).empty());
}

TEST_F(LoggedModelsOfMlflow, TagsAndParametersAreSetOnceAndTagsGoAgain) {
  const std::string id = NewModel();
  const auto tag = [&](const char* value) {
    Ask("PATCH", "logged-models/" + id + "/tags",
        Json{{"tags", {{{"key", "a/b c"}, {"value", value}}}}}.dump());
  };
  tag("1");
  tag("2");
  EXPECT_EQ(Get(id)["info"]["tags"], Json::parse(R"([{"key": "a/b c", "value": "2"}])"));
  Ask("DELETE", "logged-models/" + id + "/tags/a/b%20c");
  EXPECT_EQ(status_, 200);
  Ask("DELETE", "logged-models/" + id + "/tags/a/b%20c");
  EXPECT_EQ(status_, 404);
  Json parameters{{"params", {{{"key", "lr"}, {"value", "0.1"}}}}};
  Post("logged-models/" + id + "/params", parameters);
  EXPECT_EQ(status_, 200);
  parameters["params"][0]["value"] = "0.2";
  EXPECT_THAT(Post("logged-models/" + id + "/params", parameters).value("message", ""),
              HasSubstr("has another value"));
}

TEST_F(LoggedModelsOfMlflow, ADeletedOneIsHiddenTakesNothingAndKeepsItsFiles) {
  const std::string id = ReadyModel();
  Ask("DELETE", "logged-models/" + id, Json{{"model_id", id}}.dump());
  ASSERT_EQ(status_, 200);
  Ask("GET", "logged-models/" + id);
  EXPECT_EQ(status_, 404);
  EXPECT_EQ(Ask("GET", "logged-models/" + id + "?allow_deleted=true")["model"]["info"]["name"],
            "forest");
  EXPECT_TRUE(Names({{"experiment_ids", {"0"}}}).empty());
  Put("0/models/" + id + "/artifacts/more", "x");
  EXPECT_EQ(status_, 400);
  Ask("PATCH", "logged-models/" + id, R"({"status": "LOGGED_MODEL_READY"})");
  EXPECT_EQ(status_, 400);
  EXPECT_EQ(Got("0/models/" + id + "/artifacts/MLmodel"), "flavors: {}");
}

TEST_F(LoggedModelsOfMlflow, ItsFilesAreReferredToSoThatNoCollectionTakesThem) {
  ReadyModel();
  const metadata::Query query(metadata::SqliteFile(folder_ / "metadata.sqlite"));
  std::string texts;
  ASSERT_TRUE(query.EachKept(
      "team", clock_.Now() + std::chrono::hours(24),
      {.text = [&](const std::string& text) { texts += text; }, .spec = [](const Json&) {}}));
  EXPECT_THAT(texts, HasSubstr("sha256:" + Sha256Hex("flavors: {}")));
}

TEST_F(LoggedModelsOfMlflow, PagesHoldEachOnceTheNewestFirstAndSortedWhereAsked) {
  for (int i = 0; i < 25; ++i) {
    const std::string id = NewModel({{"name", "m" + std::to_string(i)}});
    const std::string run = NewRun();
    Post("runs/log-metric", {{"run_id", run}, {"key", "auc"}, {"value", i % 7}, {"model_id", id}});
    ASSERT_EQ(status_, 200);
  }
  for (const Json& order : {Json::array(), Json::parse(R"([{"field_name": "metrics.auc",
                                                            "ascending": false}])")}) {
    std::vector<std::string> seen;
    std::vector<double> values;
    Json body{{"experiment_ids", {"0"}}, {"max_results", 4}, {"order_by", order}};
    do {
      const Json page = Post("logged-models/search", body);
      ASSERT_EQ(status_, 200) << page;
      for (const Json& m : page["models"]) {
        seen.push_back(m["info"]["name"]);
        values.push_back(m["data"]["metrics"][0]["value"]);
      }
      body["page_token"] = page.value("next_page_token", "");
    } while (body["page_token"] != "");
    EXPECT_EQ(seen.size(), 25U);
    EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 25U);
    EXPECT_TRUE(order.empty() || std::is_sorted(values.rbegin(), values.rend()));
  }
}

TEST_F(LoggedModelsOfMlflow, WhatIsWrongIsNamed) {
  const std::string id = NewModel(), run = NewRun();
  const std::tuple<const char*, Json, int, const char*> wrong[]{
      {"logged-models", {{"experiment_id", "0"}, {"name", "a/b"}}, 400, "holds one of / : ."},
      {"logged-models", {{"experiment_id", "9"}}, 404, "experiment"},
      {"logged-models", {{"experiment_id", "0"}, {"source_run_id", "no"}}, 404, "no run"},
      {"runs/outputs", {{"run_id", run}, {"models", {{{"model_id", "m-0"}}}}}, 404, "m-0"},
      {"runs/log-metric",
       {{"run_id", run}, {"key", "a"}, {"value", 1}, {"model_id", "m-0"}},
       404,
       "no logged model with the id m-0"},
      {"logged-models/search",
       {{"experiment_ids", {"0"}}, {"datasets", {{{"dataset_name", "d"}}}}},
       400,
       "datasets"},
      {"logged-models/search",
       {{"experiment_ids", {"0"}}, {"filter", "color = 'red'"}},
       400,
       "no attribute 'color'"},
      {"logged-models/search",
       {{"experiment_ids", {"0"}}, {"page_token", "x"}},
       400,
       "page_token"}};
  for (const auto& [target, body, status, says] : wrong) {
    EXPECT_THAT(Post(target, body).value("message", ""), HasSubstr(says)) << target;
    EXPECT_EQ(status_, status) << target << body;
  }
  EXPECT_TRUE(DataOf(run)["metrics"].empty()) << "nothing of a refused metric is logged";
  EXPECT_THAT(Ask("PATCH", "logged-models/" + id, R"({"status": "DONE"})").value("message", ""),
              HasSubstr("'DONE' is none of"));
}

TEST_F(LoggedModelsOfMlflow, AFileThatMlflowsClientCouldNotListIsRefused) {
  const std::string place = "0/models/" + NewModel() + "/artifacts/";
  for (const char* name : {"a%23b", "a%3Fb", "%252e%252e", "a%2520b", "a?b"}) {
    Put(place + name, "1");
    EXPECT_EQ(status_, 400) << name;
  }
  Put(place + "100%25", "1");
  EXPECT_EQ(status_, 200);
  Put("0/" + NewRun() + "/artifacts/a?b.txt", "1");
  EXPECT_EQ(status_, 400) << "it would be the file `a`";
}

}  // namespace
}  // namespace penstock::gateway
