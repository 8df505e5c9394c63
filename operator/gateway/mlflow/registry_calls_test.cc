#include <gmock/gmock.h>

#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include "operator/gateway/mlflow/testing/mlflow_fixture.h"

namespace penstock::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RegistryOfMlflow : public MlflowRoutes {
 protected:
  void Make(const std::string& name) { Post("registered-models/create", {{"name", name}}); }
  Json AddVersion(const std::string& name, const std::string& source) {
    return Post("model-versions/create", {{"name", name}, {"source", source}});
  }
  Json Model(const std::string& name) {
    return Ask("GET", "registered-models/get?name=" + name)["registered_model"];
  }
  // "": there is none.
  std::string AtAlias(const std::string& alias) {
    const Json answer = Ask("GET", "registered-models/alias?name=churn&alias=" + alias);
    return status_ == 200 ? answer["model_version"].value("version", "") : "";
  }
  Json Send(const std::string& method, const std::string& target, const Json& body) {
    return Ask(method, target, body.dump());
  }
  std::string Message(const Json& answer) { return answer.value("message", ""); }
  std::vector<std::string> Versions(const std::string& query) {
    std::vector<std::string> all;
    const Json answer = Ask("GET", "model-versions/search?" + query);
    for (const Json& v : answer["model_versions"])
      all.push_back(v["name"].get<std::string>() + "/" + v["version"].get<std::string>());
    return all;
  }
};

TEST_F(RegistryOfMlflow, AVersionIsRegisteredOfALoggedModelAndFoundByItsAlias) {
  const std::string run = NewRun();
  const std::string model = ReadyModel({{"source_run_id", run}});
  Post("registered-models/create", {{"name", "churn"},
                                    {"description", "who leaves"},
                                    {"tags", {{{"key", "team"}, {"value", "x"}}}}});
  ASSERT_EQ(status_, 200);
  const Json made = Post("model-versions/create", {{"name", "churn"},
                                                   {"source", "models:/" + model},
                                                   {"model_id", model},
                                                   {"tags", {{{"key", "a"}, {"value", "b"}}}}});
  ASSERT_EQ(status_, 200) << made;
  const Json& version = made["model_version"];
  EXPECT_EQ(version["version"], "1");
  EXPECT_EQ(version["run_id"], run);
  EXPECT_EQ(version["status"], "READY");
  EXPECT_EQ(version["current_stage"], "None");
  EXPECT_EQ(version["user_id"], "alice");
  Post("registered-models/alias", {{"name", "churn"}, {"alias", "champion"}, {"version", "1"}});
  ASSERT_EQ(status_, 200);
  EXPECT_EQ(AtAlias("champion"), "1");
  EXPECT_EQ(Ask("GET", "model-versions/get-download-uri?name=churn&version=1")["artifact_uri"],
            "mlflow-artifacts:/0/models/" + model + "/artifacts");
  const Json got = Model("churn");
  EXPECT_EQ(got["description"], "who leaves");
  EXPECT_EQ(got["aliases"], Json::parse(R"([{"alias": "champion", "version": "1"}])"));
  ASSERT_EQ(got["latest_versions"].size(), 1U);
  EXPECT_EQ(got["latest_versions"][0]["aliases"], Json::parse(R"(["champion"])"));
  EXPECT_EQ(Ask("GET", "registered-models/get-latest-versions?name=churn")["model_versions"].size(),
            1U);
}

TEST_F(RegistryOfMlflow, ASourceIsWhatWasLoggedHereAndHoldsFiles) {
  Make("churn");
  const std::string run = NewRun();
  const std::string model = ReadyModel({{"source_run_id", run}, {"name", "forest"}});
  Post("runs/outputs", {{"run_id", run}, {"models", {{{"model_id", model}}}}});
  Put("0/" + run + "/artifacts/own/MLmodel", "x");
  const std::string of_model = "mlflow-artifacts:/0/models/" + model + "/artifacts";
  const std::pair<std::string, std::string> sources[]{
      {"runs:/" + run + "/own", "mlflow-artifacts:/0/" + run + "/artifacts/own"},
      {"runs:/" + run + "/forest", of_model},
      {"models:/" + model, of_model},
      {"mlflow-artifacts:/0/" + run + "/artifacts/own",
       "mlflow-artifacts:/0/" + run + "/artifacts/own"},
      {of_model, of_model},
      {"models:/churn/2", of_model}};
  int number = 0;
  for (const auto& [source, location] : sources) {
    const Json made = AddVersion("churn", source);
    ASSERT_EQ(status_, 200) << source << made;
    EXPECT_EQ(made["model_version"]["version"], std::to_string(++number));
    EXPECT_EQ(made["model_version"]["run_id"], run) << source;
    EXPECT_EQ(Ask("GET", "model-versions/get-download-uri?name=churn&version=" +
                             std::to_string(number))["artifact_uri"],
              location);
  }
  const std::string empty = NewModel();
  const std::tuple<std::string, int, const char*> wrong[]{
      {"s3://bucket/model", 400, "what was logged here"},
      {"/etc/passwd", 400, "what was logged here"},
      {"runs:/" + run + "/none", 400, "has no file at none"},
      {"runs:/nobody/own", 404, "no run with the id nobody"},
      {"models:/m-0", 404, "no logged model"},
      {"models:/" + empty, 400, "has no file"},
      {"models:/churn/99", 404, "has no version 99"},
      {"models:/churn/latest", 400, "names no version by number"},
      {"models:/churn@none", 404, "has no alias none"},
      {"mlflow-artifacts:/1/" + run + "/artifacts/own", 404, "not of the experiment 1"},
      {"mlflow-artifacts:/0/" + run + "/artifacts/../own", 400, "cannot be the path"}};
  for (const auto& [source, status, says] : wrong) {
    EXPECT_THAT(Message(AddVersion("churn", source)), HasSubstr(says));
    EXPECT_EQ(status_, status) << source;
  }
  EXPECT_THAT(
      Message(Post("model-versions/create",
                   {{"name", "churn"}, {"source", "models:/" + model}, {"run_id", "another"}})),
      HasSubstr("run_id: the source is of the run"));
  EXPECT_THAT(
      Message(Post("model-versions/create",
                   {{"name", "churn"}, {"source", "runs:/" + run + "/own"}, {"model_id", model}})),
      HasSubstr("model_id"));
  AddVersion("nobody", "models:/" + model);
  EXPECT_EQ(status_, 404);
  EXPECT_EQ(Model("churn")["latest_versions"][0]["version"], "6") << "what was refused took none";
}

TEST_F(RegistryOfMlflow, ClientsThatMakeVersionsAtOnceGetDifferentNumbers) {
  Make("churn");
  const std::string source = "models:/" + ReadyModel();
  std::mutex mutex;
  std::multiset<std::string> numbers;
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 4; ++c)
      clients.emplace_back([&] {
        for (int i = 0; i < 5; ++i) {
          MlflowSent sent("POST", "/mlflow/team/api/2.0/mlflow/model-versions/create",
                          Json{{"name", "churn"}, {"source", source}}.dump(), "alice");
          router_.Dispatch(sent);
          const std::lock_guard lock(mutex);
          numbers.insert(sent.status == 200 ? sent.answer["model_version"].value("version", "")
                                            : sent.text);
        }
      });
  }
  EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), 20U);
  EXPECT_TRUE(numbers.contains("1"));
  EXPECT_TRUE(numbers.contains("20"));
}

TEST_F(RegistryOfMlflow, WhatGoesLeavesNothingThatPointsToIt) {
  Make("churn");
  const std::string source = "models:/" + ReadyModel();
  for (int i = 0; i < 3; ++i) AddVersion("churn", source);
  for (const char* alias : {"champion", "old"})
    Post("registered-models/alias", {{"name", "churn"}, {"alias", alias}, {"version", 3}});
  Post("registered-models/alias", {{"name", "churn"}, {"alias", "old"}, {"version", 1}});
  EXPECT_EQ(AtAlias("old"), "1");
  Send("DELETE", "model-versions/delete", {{"name", "churn"}, {"version", "3"}});
  ASSERT_EQ(status_, 200);
  AtAlias("champion");
  EXPECT_EQ(status_, 404);
  EXPECT_EQ(AtAlias("old"), "1");
  EXPECT_EQ(Model("churn")["latest_versions"][0]["version"], "2");
  EXPECT_EQ(AddVersion("churn", source)["model_version"]["version"], "4") << "3 is not given again";
  Post("registered-models/alias", {{"name", "churn"}, {"alias", "x"}, {"version", 3}});
  EXPECT_EQ(status_, 404);
  Send("DELETE", "registered-models/delete", {{"name", "churn"}});
  ASSERT_EQ(status_, 200);
  EXPECT_TRUE(Versions("").empty());
  Make("churn");
  EXPECT_EQ(AddVersion("churn", source)["model_version"]["version"], "1");
  AtAlias("old");
  EXPECT_EQ(status_, 404) << "an alias of the one before";
}

TEST_F(RegistryOfMlflow, ARenamedModelTakesItsVersionsAndAliasesWithIt) {
  Make("churn");
  Make("taken");
  AddVersion("churn", "models:/" + ReadyModel());
  Post("registered-models/alias", {{"name", "churn"}, {"alias", "champion"}, {"version", 1}});
  EXPECT_EQ(Post("registered-models/rename", {{"name", "churn"}, {"new_name", "taken"}})
                .value("error_code", ""),
            "RESOURCE_ALREADY_EXISTS");
  Post("registered-models/rename", {{"name", "churn"}, {"new_name", "leavers"}});
  ASSERT_EQ(status_, 200);
  Model("churn");
  EXPECT_EQ(status_, 404);
  EXPECT_EQ(Model("leavers")["aliases"].size(), 1U);
  EXPECT_THAT(Versions("filter=name%3D%27leavers%27"), ElementsAre("leavers/1"));
}

TEST_F(RegistryOfMlflow, TagsAndDescriptionsAreSetAndGo) {
  Make("churn");
  AddVersion("churn", "models:/" + ReadyModel());
  Post("registered-models/set-tag", {{"name", "churn"}, {"key", "k"}, {"value", "v"}});
  Post("model-versions/set-tag",
       {{"name", "churn"}, {"version", "1"}, {"key", "k"}, {"value", "w"}});
  Send("PATCH", "registered-models/update", {{"name", "churn"}, {"description", "d"}});
  const Json version = Send("PATCH", "model-versions/update",
                            {{"name", "churn"}, {"version", "1"}, {"description", "e"}});
  EXPECT_EQ(version["model_version"]["description"], "e");
  const Json model = Model("churn");
  EXPECT_EQ(model["tags"], Json::parse(R"([{"key": "k", "value": "v"}])"));
  EXPECT_EQ(model["description"], "d");
  EXPECT_EQ(model["latest_versions"][0]["tags"], Json::parse(R"([{"key": "k", "value": "w"}])"));
  for (const int status : {200, 404}) {
    Send("DELETE", "registered-models/delete-tag", {{"name", "churn"}, {"key", "k"}});
    EXPECT_EQ(status_, status);
    Send("DELETE", "model-versions/delete-tag",
         {{"name", "churn"}, {"version", "1"}, {"key", "k"}});
    EXPECT_EQ(status_, status);
  }
}

TEST_F(RegistryOfMlflow, SearchesReadTheirFiltersAndPages) {
  const std::string source = "models:/" + ReadyModel();
  for (const char* name : {"a", "b", "c"}) {
    Make(name);
    for (int i = 0; i < 3; ++i) AddVersion(name, source);
  }
  Post("model-versions/set-tag", {{"name", "b"}, {"version", 2}, {"key", "good"}, {"value", "y"}});
  EXPECT_THAT(Versions("max_results=4"), ElementsAre("a/3", "a/2", "a/1", "b/3"));
  EXPECT_THAT(Versions("filter=tag.good%3D%27y%27"), ElementsAre("b/2"));
  EXPECT_THAT(Versions("filter=name%3D%27c%27+and+version_number+%3C+3"),
              ElementsAre("c/2", "c/1"));
  EXPECT_THAT(Versions("filter=name%3D%27c%27&order_by=version_number+ASC"),
              ElementsAre("c/1", "c/2", "c/3"));
  EXPECT_THAT(Versions("order_by=name+ASC&order_by=version_number+DESC&max_results=2"),
              ElementsAre("a/3", "a/2"));
  std::vector<std::string> seen;
  std::string token;
  do {
    const Json page = Ask("GET", "model-versions/search?max_results=2&page_token=" + token);
    for (const Json& v : page["model_versions"]) seen.push_back(v["name"]);
    token = page.value("next_page_token", "");
  } while (!token.empty());
  EXPECT_THAT(seen, ElementsAre("a", "a", "a", "b", "b", "b", "c", "c", "c"));
  // As MLflow's client asks for all.
  const Json all = Ask("GET",
                       "registered-models/search?max_results=2&filter=tag.%60mlflow.prompt."
                       "is_prompt%60+%21%3D+%27true%27");
  ASSERT_EQ(all["registered_models"].size(), 2U) << all;
  EXPECT_EQ(all["registered_models"][0]["latest_versions"][0]["version"], "3");
  EXPECT_EQ(Ask("GET", "registered-models/search?page_token=" +
                           all.value("next_page_token", ""))["registered_models"]
                .size(),
            1U);
  EXPECT_EQ(Ask("GET", "registered-models/search?filter=name+ILIKE+%27B%25%27")["registered_models"]
                .size(),
            1U);
  for (const char* wrong :
       {"model-versions/search?order_by=creation_timestamp+DESC",
        "model-versions/search?order_by=version_number+DESC",
        "model-versions/search?filter=run_id+IN+%28%27a%27%29",
        "model-versions/search?filter=params.a%3D%27b%27", "model-versions/search?page_token=x",
        "model-versions/search?filter=version_number%3D%273%27",
        "registered-models/search?order_by=name+DESC",
        "registered-models/search?filter=version_number%3D3"}) {
    Ask("GET", wrong);
    EXPECT_EQ(status_, 400) << wrong;
  }
}

TEST_F(RegistryOfMlflow, StagesAreRefusedAndAnAliasIsNamedInstead) {
  Make("churn");
  AddVersion("churn", "models:/" + ReadyModel());
  EXPECT_THAT(Message(Post("model-versions/transition-stage",
                           {{"name", "churn"}, {"version", "1"}, {"stage", "Production"}})),
              HasSubstr("set_registered_model_alias"));
  EXPECT_EQ(status_, 400);
  EXPECT_THAT(
      Message(Ask("GET", "registered-models/get-latest-versions?name=churn&stages=Staging")),
      HasSubstr("stages are deprecated"));
  EXPECT_EQ(Post("registered-models/get-latest-versions",
                 {{"name", "churn"}, {"stages", {"None"}}})["model_versions"]
                .size(),
            1U);
}

TEST_F(RegistryOfMlflow, WhatIsWrongIsNamed) {
  Make("churn");
  EXPECT_EQ(Post("registered-models/create", {{"name", "churn"}}).value("error_code", ""),
            "RESOURCE_ALREADY_EXISTS");
  const std::tuple<const char*, Json, const char*> wrong[]{
      {"registered-models/create", {{"name", "a/b"}}, "a slash, a colon"},
      {"registered-models/create", {{"name", "a:b"}}, "a slash, a colon"},
      {"registered-models/create", {{"name", ".."}}, "cannot be the name"},
      {"registered-models/create", {{"name", ""}}, "name is missing"},
      {"registered-models/create", {{"name", std::string(257, 'x')}}, "over 256 bytes"},
      {"registered-models/create",
       {{"name", "p"}, {"tags", {{{"key", "mlflow.prompt.is_prompt"}, {"value", "true"}}}}},
       "prompts are not kept"},
      {"registered-models/create",
       {{"name", "p"}, {"description", std::string(5'001, 'x')}},
       "over 5,000 bytes"},
      {"registered-models/alias",
       {{"name", "churn"}, {"alias", "latest"}, {"version", 1}},
       "is reserved"},
      {"registered-models/alias",
       {{"name", "churn"}, {"alias", "V12"}, {"version", 1}},
       "reserved"},
      {"registered-models/alias", {{"name", "churn"}, {"alias", "a b"}, {"version", 1}}, "letters"},
      {"registered-models/alias", {{"name", "churn"}, {"alias", "a"}}, "version is missing"},
      {"registered-models/alias", {{"name", "churn"}, {"alias", "a"}, {"version", 0}}, "from 1"}};
  for (const auto& [target, body, says] : wrong) {
    EXPECT_THAT(Message(Post(target, body)), HasSubstr(says)) << target;
    EXPECT_EQ(status_, 400) << target;
  }
  Json tag{{"name", "churn"}, {"key", "k"}, {"value", std::string(8'000, 'x')}};
  for (int i = 0; i < 8; ++i) {
    tag["key"] = std::to_string(i);
    Post("registered-models/set-tag", tag);
    ASSERT_EQ(status_, 200);
  }
  tag["key"] = "one more";
  EXPECT_THAT(Message(Post("registered-models/set-tag", tag)), HasSubstr("64 KiB together"));
}

TEST_F(RegistryOfMlflow, AVersionOutlivesTheDeletionOfWhatItWasMadeOf) {
  Make("churn");
  const std::string model = ReadyModel();
  AddVersion("churn", "models:/" + model);
  Ask("DELETE", "logged-models/" + model);
  const std::string uri =
      Ask("GET", "model-versions/get-download-uri?name=churn&version=1")["artifact_uri"];
  EXPECT_EQ(Got(uri.substr(std::string("mlflow-artifacts:/").size()) + "/MLmodel"), "flavors: {}");
  EXPECT_THAT(Message(AddVersion("churn", "models:/" + model)), HasSubstr("is deleted"));
}

}  // namespace
}  // namespace penstock::gateway
