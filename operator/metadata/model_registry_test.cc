#include "operator/metadata/model_registry.h"

#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "operator/metadata/testing/any_database.h"

namespace penstock::metadata {
namespace {

class Registry : public AnyDatabase {
 protected:
  void SetUp() override {
    AnyDatabase::SetUp();
    if (database_ == nullptr) return;
    tracking_ = std::make_unique<Tracking>(database_);
    registry_ = std::make_unique<ModelRegistry>(*tracking_);
    ASSERT_TRUE(registry_->Make("team", New("churn")));
  }
  static RegisteredModel New(const std::string& name) {
    RegisteredModel m;
    m.name = name;
    m.key = "key of " + name;
    m.created = m.changed = At(0);
    return m;
  }
  static ModelVersion Version(const std::string& key, const std::string& of = "churn") {
    ModelVersion v;
    v.name = of;
    v.key = key;
    v.source = v.location = "mlflow-artifacts:/0/r/artifacts/m";
    v.created = v.changed = At(1);
    return v;
  }
  std::int64_t Add(const std::string& key) {
    const auto added = registry_->AddVersion("team", Version(key));
    EXPECT_TRUE(added) << added.error().message;
    return added ? added->number : 0;
  }

  std::unique_ptr<Tracking> tracking_;
  std::unique_ptr<ModelRegistry> registry_;
};
INSTANTIATE_TEST_SUITE_P(On, Registry, ::testing::Values(Kind::kSqlite, Kind::kPostgres),
                         NameOfKind);

TEST_P(Registry, ReplicasThatMakeVersionsAtOnceGiveDifferentNumbers) {
  Tracking of_another(database_);
  ModelRegistry another(of_another);
  std::mutex mutex;
  std::set<std::int64_t> numbers;
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 4; ++c)
      clients.emplace_back([&, c] {
        for (int i = 0; i < 5; ++i) {
          const auto added = (c % 2 == 0 ? *registry_ : another)
                                 .AddVersion("team", Version(std::to_string(c * 10 + i)));
          const std::lock_guard lock(mutex);
          if (added) numbers.insert(added->number);
        }
      });
  }
  EXPECT_EQ(numbers.size(), 20U);
  EXPECT_EQ(*numbers.rbegin(), 20);
}

TEST_P(Registry, AMakingWhoseAnswerWasLostIsNotMadeTwice) {
  EXPECT_TRUE(registry_->Make("team", New("churn")));
  RegisteredModel other = New("churn");
  other.key = "of somebody else";
  EXPECT_EQ(registry_->Make("team", other).error().kind, ErrorKind::kAlreadyExists);
  EXPECT_EQ(Add("same"), 1);
  EXPECT_EQ(Add("same"), 1);
  EXPECT_EQ(Add("next"), 2);
}

TEST_P(Registry, AnAliasThatMovesLeadsToAVersionAtAnyTime) {
  Add("a");
  Add("b");
  ASSERT_TRUE(registry_->SetAlias("team", "churn", "champion", 1, At(2)));
  std::atomic<bool> done = false;
  std::string problems;
  std::jthread reader([&] {
    while (!done) {
      const auto version = registry_->OfAlias("team", "churn", "champion");
      if (!version) problems += version.error().message + "\n";
    }
  });
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(registry_->SetAlias("team", "churn", "champion", 1 + i % 2, At(3)));
  done = true;
  reader.join();
  EXPECT_EQ(problems, "");
  EXPECT_EQ(registry_->Version("team", "churn", 2)->aliases, std::vector<std::string>{"champion"});
  EXPECT_TRUE(registry_->Version("team", "churn", 1)->aliases.empty());
}

TEST_P(Registry, WhatGoesTakesItsAliasesWithItAndANumberIsGivenOnce) {
  Add("a");
  Add("b");
  ASSERT_TRUE(registry_->SetAlias("team", "churn", "champion", 2, At(2)));
  ASSERT_TRUE(registry_->RemoveVersion("team", "churn", 2, At(3)));
  EXPECT_EQ(registry_->OfAlias("team", "churn", "champion").error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(registry_->Get("team", "churn")->aliases.empty());
  EXPECT_EQ((*registry_->Newest("team", "churn"))->number, 1);
  EXPECT_EQ(Add("c"), 3);
  ASSERT_TRUE(registry_->SetAlias("team", "churn", "champion", 3, At(4)));
  ASSERT_TRUE(registry_->Remove("team", "churn"));
  EXPECT_FALSE(*registry_->Newest("team", "churn"));
  ASSERT_TRUE(registry_->Make("team", New("churn")));
  EXPECT_EQ(Add("d"), 1);
  EXPECT_EQ(registry_->OfAlias("team", "churn", "champion").error().kind, ErrorKind::kNotFound);
}

TEST_P(Registry, ARenamedModelIsTheSameOneToItsVersionsAndAliases) {
  Add("a");
  ASSERT_TRUE(registry_->SetAlias("team", "churn", "champion", 1, At(2)));
  ASSERT_TRUE(registry_->Make("team", New("taken")));
  ASSERT_TRUE(registry_->Make("other", New("leavers")));
  EXPECT_EQ(registry_->Rename("team", "churn", "taken", At(3)).error().kind,
            ErrorKind::kAlreadyExists);
  const auto renamed = registry_->Rename("team", "churn", "leavers", At(4));
  ASSERT_TRUE(renamed) << renamed.error().message;
  EXPECT_EQ(renamed->changed, At(4));
  EXPECT_EQ(registry_->OfAlias("team", "leavers", "champion")->number, 1);
  EXPECT_EQ(registry_->Get("team", "churn").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(registry_->AddVersion("team", Version("b", "leavers"))->number, 2);
}

TEST_P(Registry, ItsBoundsAreHeldAndWhatIsRefusedLeavesNothing) {
  const auto over = registry_->Change("team", "churn", [](RegisteredModel& m) {
    m.tags["large"] = std::string(65'000, 'x');
    m.tags["larger"] = std::string(1'000, 'x');
    return Result<void>();
  });
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(registry_->Get("team", "churn")->tags.empty());
  ModelVersion large = Version("a");
  large.description = std::string(66'000, 'x');
  EXPECT_FALSE(registry_->AddVersion("team", large));
  EXPECT_EQ(Add("b"), 1) << "the number of what was refused";
}

TEST_P(Registry, PagesGoOnWhereTheyEndedAndLookAtNoMoreThanTheyMay) {
  for (int i = 0; i < 45; ++i)
    ASSERT_TRUE(registry_->Make("team", New("m" + std::to_string(100 + i))));
  for (int i = 0; i < 30; ++i) Add(std::to_string(i));
  std::set<std::string> names;
  std::string after;
  do {
    const auto page = registry_->Page("team", 7, after, [](const auto&) { return true; });
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_LE(page->models.size(), 7U);
    for (const RegisteredModel& m : page->models) EXPECT_TRUE(names.insert(m.name).second);
    after = page->next;
  } while (!after.empty());
  EXPECT_EQ(names.size(), 46U);
  for (const bool oldest : {false, true}) {
    std::vector<std::int64_t> numbers;
    do {
      const auto page = registry_->Versions("team", "churn", oldest, 7, after,
                                            [](const auto& v) { return v.number % 2 == 0; });
      ASSERT_TRUE(page) << page.error().message;
      for (const ModelVersion& v : page->versions) numbers.push_back(v.number);
      after = page->next;
    } while (!after.empty());
    ASSERT_EQ(numbers.size(), 15U);
    EXPECT_EQ(numbers.front(), oldest ? 2 : 30);
    EXPECT_EQ(numbers.back(), oldest ? 30 : 2);
  }
  EXPECT_EQ(
      registry_->Versions("team", "", false, 7, "x", [](const auto&) { return true; }).error().kind,
      ErrorKind::kInvalid);
}

TEST_P(Registry, LoggedModelsOfMuchComeInPagesOfAFewMegabytes) {
  LoggedModels models(*tracking_);
  for (int i = 0; i < 25; ++i) {
    LoggedModel m;
    m.id = "m-" + std::to_string(i);
    m.namespace_ = "team";
    m.experiment = i % 5 == 0 ? "8" : "7";
    m.name = "forest";
    m.status = "LOGGED_MODEL_READY";
    m.created = m.changed = At(i / 3);
    m.tags["large"] = std::string(500'000, 'x');
    ASSERT_TRUE(models.Begin(m));
  }
  const auto all = [](const LoggedModel&) { return true; };
  std::set<std::string> seen;
  std::string after;
  int pages = 0;
  do {
    const auto page = models.Page("team", {"7", "8"}, 1'000, after, all);
    ASSERT_TRUE(page) << page.error().message;
    for (const LoggedModel& m : page->models) EXPECT_TRUE(seen.insert(m.id).second);
    after = page->next;
    ++pages;
  } while (!after.empty());
  EXPECT_EQ(seen.size(), 25U);
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(models.Page("team", {"8"}, 3, "", all)->models.size(), 3U);
  EXPECT_TRUE(models.Page("other", {"7"}, 3, "", all)->models.empty());
  EXPECT_EQ(models.Get("other", "m-1").error().kind, ErrorKind::kNotFound);
  const auto more = models.Change("team", "m-1", [](LoggedModel& m) {
    m.tags["more"] = std::string(50'000, 'x');
    return Result<void>();
  });
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace penstock::metadata
