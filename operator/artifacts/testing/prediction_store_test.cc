#include "operator/artifacts/prediction_store.h"

#include <gmock/gmock.h>

#include <fstream>

namespace penstock::artifacts {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Predictions : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-predictions-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }
  [[nodiscard]] PredictionStore Store() const { return PredictionStore(root_); }
  [[nodiscard]] std::string Names(const std::string& ns, const std::string& deployment) const {
    std::string names;
    const auto files = Store().List(ns, deployment);
    EXPECT_TRUE(files) << files.error().message;
    for (const auto& file : *files) names += file.name + " ";
    return names;
  }
  fs::path root_;
};

TEST_F(Predictions, AreListedByNameWithinTheirDeploymentAndNamespace) {
  EXPECT_EQ(Names("team", "flights"), "");
  ASSERT_TRUE(Store().Put("team", "flights", "b-1.parquet", "bb"));
  ASSERT_TRUE(Store().Put("team", "flights", "a-1.parquet", "a"));
  ASSERT_TRUE(Store().Put("team", "flights", "a-1.parquet", "a"));  // sent again
  ASSERT_TRUE(Store().Put("team", "other", "c.parquet", "c"));
  std::ofstream(root_ / "team/predictions/flights/d.parquet.tmp") << "not whole";
  EXPECT_EQ(Names("team", "flights"), "a-1.parquet b-1.parquet ");
  EXPECT_EQ(Names("rival", "flights"), "");
  EXPECT_EQ(Store().List("team", "flights").value()[1].bytes, 2U);
  EXPECT_EQ(Store().Logs().value().size(), 2U);
  EXPECT_TRUE(Store().Path("team", "flights", "a-1.parquet"));
  const auto none = Store().Path("team", "flights", "c.parquet");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNotFound);
}

TEST_F(Predictions, NamesThatWouldLeadElsewhereAreRefused) {
  for (const char* name :
       {"", ".parquet", "../x.parquet", "a/b.parquet", "x.txt", "X.parquet", "x.parquet.tmp"}) {
    const auto put = Store().Put("team", "flights", name, "x");
    ASSERT_FALSE(put) << name;
    EXPECT_EQ(put.error().kind, ErrorKind::kInvalid);
  }
  EXPECT_FALSE(Store().Put("..", "flights", "a.parquet", "x"));
  EXPECT_FALSE(Store().Put("team", "..", "a.parquet", "x"));
  EXPECT_FALSE(Store().List("team", "a/b"));
}

TEST_F(Predictions, AVolumeThatFillsUpWhileAFileComesInEndsItByName) {
  VolumeSpace space{.size = 10ULL << 30, .free = 5ULL << 30, .files = 0, .free_files = 0};
  const PredictionStore store(root_, Room([&] { return Result<VolumeSpace>(space); }));
  {
    auto file = store.NewFile("team", "flights", "a.parquet");
    ASSERT_TRUE(file) << file.error().message;
    const std::string piece(1 << 20, 'x');
    ASSERT_TRUE(file->Write(piece));
    space.free = 0;
    const auto written = file->Write(piece);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kNoSpace);
    EXPECT_THAT(written.error().message, HasSubstr("the artifact store's volume is full"));
  }
  EXPECT_TRUE(fs::is_empty(root_ / "team/predictions/flights"));
}

TEST_F(Predictions, AnEmptiedLogIsGone) {
  ASSERT_TRUE(Store().Put("team", "flights", "a.parquet", "x"));
  EXPECT_EQ(Store().RemoveOlder({"team", "flights"}, std::chrono::hours(1)).value(), 0);
  EXPECT_EQ(Store().RemoveOlder({"team", "flights"}, std::chrono::hours(-1)).value(), 1);
  EXPECT_FALSE(fs::exists(root_ / "team/predictions/flights"));
}

TEST_F(Predictions, AFileThatCannotBeLookedAtIsNoneThatIsNotThere) {
  ASSERT_TRUE(Store().Put("team", "flights", "a.parquet", "x"));
  const fs::path circle = root_ / "team/predictions/flights/b.parquet";
  fs::create_symlink("b.parquet", circle);
  const auto path = Store().Path("team", "flights", "b.parquet");
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().kind, ErrorKind::kInternal) << path.error().message;
  EXPECT_FALSE(Store().List("team", "flights")) << "it is missing from the list";
}

TEST_F(Predictions, OneFileThatStaysIsToldAndKeepsNoOtherFromItsTime) {
  ASSERT_TRUE(Store().Put("team", "flights", "b.parquet", "x"));
  for (const char* name : {"a", "c"})
    fs::create_directories(root_ / "team/predictions/flights" / name / "full");
  const auto removed = Store().RemoveOlder({"team", "flights"}, std::chrono::hours(-1));
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message, HasSubstr("removing "));
  EXPECT_EQ(Names("team", "flights"), "");
}

TEST(PredictionFiles, AListIsReadBackAndAHostileOneIsNot) {
  const auto back = ParsePredictionFiles(FormatPredictionFiles({{"a.parquet", 3}}));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->at(0).name, "a.parquet");
  EXPECT_EQ(back->at(0).bytes, 3U);
  for (const char* bad : {"", "[]", R"({"files":[{"name":"a.parquet"}]})",
                          R"({"files":[{"name":"../../etc/cron.parquet","bytes":1}]})",
                          R"({"files":[{"name":1,"bytes":1}]})", R"({"files":[3]})"})
    EXPECT_FALSE(ParsePredictionFiles(bad)) << bad;
}

class PatientClock : public SystemClock {
 public:
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point() + asked++ * each;
  }
  mutable int asked = 0;
  std::chrono::seconds each{0};
};

TEST_F(Predictions, ARequestIsFoundByItsWholeIdInTheNewestFileThatHasIt) {
  const std::string one = "{\"version\":\"1\",\"digest\":\"sha256:a\"}\n\"r-1\"\n\"r-2\"\n";
  const std::string two = "{\"version\":\"2\",\"digest\":\"\"}\n\"r-2\"\n\"r-3\"";
  ASSERT_TRUE(Store().Put("team", "flights", "a.requests", one));
  ASSERT_TRUE(Store().Put("team", "flights", "b.requests", two));
  ASSERT_TRUE(Store().Put("rival", "flights", "c.requests", "{}\n\"r-9\"\n"));
  const fs::path folder = root_ / "team/predictions/flights";
  fs::last_write_time(folder / "a.requests",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_EQ(Names("team", "flights"), "") << "they are no rows";
  const PatientClock clock;
  const auto version = [&](const std::string& deployment, const std::string& id) {
    const auto found = Store().FindRequest("team", deployment, id, clock, {});
    return found ? found->deployment + " " + found->version + " " + found->digest
                 : std::string(Name(found.error().kind));
  };
  EXPECT_EQ(version("", "r-1"), "flights 1 sha256:a");
  EXPECT_EQ(version("", "r-2"), "flights 2 ");
  EXPECT_EQ(version("flights", "r-3"), "flights 2 ");
  for (const char* id :
       {"r", "r-", "r-9", "\"r-1\"", "{\"version\":\"1\",\"digest\":\"sha256:a\"}"})
    EXPECT_EQ(version("", id), "NotFound") << id;
  EXPECT_EQ(version("other", "r-1"), "NotFound");
  EXPECT_EQ(version("", ""), "Invalid");
  EXPECT_EQ(version("../../rival/predictions/flights", "r-9"), "Invalid");
}

TEST_F(Predictions, MoreThanCanBeLookedThroughIsSaidAndNotCalledAbsent) {
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(Store().Put("team", "m", std::to_string(i) + ".requests", "{}\n\"x\"\n"));
  PatientClock slow;
  slow.each = std::chrono::seconds(6);
  const auto found = Store().FindRequest("team", "", "r", slow, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::kTooLarge);
  EXPECT_THAT(found.error().message, HasSubstr("the newest 1 of 4"));
}

}  // namespace
}  // namespace penstock::artifacts
