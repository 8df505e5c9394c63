#include "operator/cli/store/bundle.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include "operator/artifacts/store.h"
#include "operator/artifacts/tree.h"
#include "operator/base/json.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class BundleTest : public testing::Test {
 protected:
  BundleTest() {
    EXPECT_TRUE(artifacts::RemoveTree(folder_));
    fs::create_directories(folder_ / "scratch");
    Write("model/weights.bin", std::string(3'000'000, 'w'));
    Write("model/sub/a.txt", "same");
    Write("model/sub/b.txt", "same");
    Write("data.csv", "a,b\n1,2\n");
    model_ = *One().Put("ns", folder_ / "model");
    data_ = *One().Put("ns", folder_ / "data.csv");
  }
  ~BundleTest() override { EXPECT_TRUE(artifacts::RemoveTree(folder_)); }

  void Write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string Read(const std::string& name) {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  artifacts::Store One() { return artifacts::Store(folder_ / "one"); }
  artifacts::Store Two() { return artifacts::Store(folder_ / "two"); }
  std::unique_ptr<artifacts::Transport> To(const std::string& store) {
    TaskStore where;
    where.folder = (folder_ / store).string();
    artifacts::TransportOptions options;
    options.namespace_ = "ns";
    return artifacts::MakeTransport(where, options).value();
  }
  Result<Bundled> Out(const std::vector<std::string>& digests) {
    std::vector<BundledArtifact> what;
    for (const std::string& digest : digests) what.push_back({digest, {digest, false, 0}});
    return Export(*To("one"), what, folder_ / "x.tar", folder_ / "scratch", {});
  }
  Result<Bundled> In() { return Import(*To("two"), folder_ / "x.tar", folder_ / "scratch", {}); }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("bundle-" + std::to_string(getpid()));
  ArtifactRef model_, data_;
};

TEST_F(BundleTest, ArtifactsComeOutOfOneStoreAndIntoAnotherByTheSameDigests) {
  const auto out = Out({model_.digest, data_.digest, data_.digest});
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->files, 4U)
      << "two files of the model, of which one stands twice, its manifest, data";
  EXPECT_TRUE(out->artifacts[0].artifact.folder);
  const auto in = In();
  ASSERT_TRUE(in) << in.error().message;
  EXPECT_EQ(in->files, 4U);
  ASSERT_EQ(in->artifacts.size(), 3U);
  EXPECT_EQ(in->artifacts[0].artifact.digest, model_.digest);
  EXPECT_TRUE(*Two().Exists("ns", model_));
  ASSERT_TRUE(Two().Get("ns", model_, folder_ / "copy"));
  EXPECT_EQ(Read("copy/sub/b.txt"), "same");
  EXPECT_EQ(Two().Find("ns", data_.digest)->bytes, 8U);
  EXPECT_TRUE(In()) << "once more";
  EXPECT_TRUE(fs::is_empty(folder_ / "scratch"));
}

// Of a store, and how often each digest was fetched from it.
class CountingTransport : public artifacts::Transport {
 public:
  explicit CountingTransport(artifacts::Transport& store) : store_(store) {}
  Result<void> Fetch(const ArtifactRef& artifact, const fs::path& target) override {
    ++fetched[artifact.digest];
    return store_.Fetch(artifact, target);
  }
  Result<ArtifactRef> Upload(const fs::path&) override { return Internal("not asked"); }
  Result<void> PutReceipt(const Receipt&) override { return Internal("not asked"); }
  Result<void> PutMetrics(const std::string&, const std::string&, const std::string&) override {
    return Internal("not asked");
  }
  Result<void> PutPredictions(const std::string&, const fs::path&) override {
    return Internal("not asked");
  }
  Result<std::vector<artifacts::PredictionFile>> ListPredictions(const std::string&) override {
    return Internal("not asked");
  }
  Result<void> FetchPredictions(const std::string&, const std::string&, const fs::path&) override {
    return Internal("not asked");
  }

  std::map<std::string, int> fetched;

 private:
  artifacts::Transport& store_;
};

TEST_F(BundleTest, NothingIsFetchedTwice) {
  const auto store = To("one");
  CountingTransport counting(*store);
  const auto out = Export(counting,
                          {{"a", {data_.digest, false, 0}},
                           {"b", {model_.digest, false, 0}},
                           {"c", {data_.digest, false, 0}}},
                          folder_ / "x.tar", folder_ / "scratch", {});
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(counting.fetched.size(), 4U);
  for (const auto& [digest, times] : counting.fetched) EXPECT_EQ(times, 1) << digest;
  EXPECT_EQ(out->artifacts[2].artifact.bytes, 8U);
  EXPECT_TRUE(out->artifacts[1].artifact.folder);
  // The index says it too, though it stands first.
  const std::string command = "tar -xOf " + (folder_ / "x.tar").string() +
                              " penstock-artifacts.json > " + (folder_ / "index").string();
  ASSERT_EQ(std::system(command.c_str()), 0);
  const Json index = Json::parse(Read("index"));
  EXPECT_EQ(index["artifacts"][0],
            (Json{{"name", "a"}, {"digest", data_.digest}, {"folder", false}, {"bytes", 8}}));
  EXPECT_EQ(index["artifacts"][1]["folder"], true);
  EXPECT_EQ(index["artifacts"][1]["bytes"], 3'000'008);
  EXPECT_TRUE(In());
}

TEST_F(BundleTest, AnArchiveThatIsCutOffLeavesWhatCameBeforeAndNoHalfFolder) {
  ASSERT_TRUE(Out({model_.digest}));
  const std::string whole = Read("x.tar");
  Write("x.tar", whole.substr(0, whole.size() - 3 * 1024));
  const auto in = In();
  ASSERT_FALSE(in);
  EXPECT_THAT(in.error().message, HasSubstr("x.tar"));
  EXPECT_FALSE(Two().Find("ns", model_.digest)) << "its manifest comes last";
  Write("x.tar", whole);
  ASSERT_TRUE(In());
  EXPECT_TRUE(*Two().Exists("ns", model_));
}

TEST_F(BundleTest, BytesThatAreNotThoseOfTheirNameAreRefusedByName) {
  ASSERT_TRUE(Out({data_.digest}));
  std::string tar = Read("x.tar");
  const auto at = tar.find("1,2");
  ASSERT_NE(at, std::string::npos);
  Write("x.tar", tar.replace(at, 1, "9"));
  const auto in = In();
  ASSERT_FALSE(in);
  EXPECT_EQ(in.error().kind, ErrorKind::kDamaged);
  EXPECT_THAT(in.error().message, HasSubstr("blobs/" + data_.digest.substr(7)));
  EXPECT_FALSE(Two().Find("ns", data_.digest));
}

TEST_F(BundleTest, AnotherArchiveIsRefused) {
  Write("x.tar", std::string(1024, 'x'));
  EXPECT_FALSE(In());
  Write("etc/passwd", "root");
  ASSERT_EQ(std::system(("tar -cf " + (folder_ / "x.tar").string() + " -C " + folder_.string() +
                         " etc/passwd")
                            .c_str()),
            0);
  const auto in = In();
  ASSERT_FALSE(in);
  EXPECT_THAT(in.error().message, HasSubstr("it has an entry etc/passwd"));
}

TEST_F(BundleTest, WhatIsNotThereIsNamedAndNothingIsWritten) {
  const std::string absent = "sha256:" + std::string(64, '0');
  const auto out = Out({data_.digest, absent});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(fs::exists(folder_ / "x.tar"));
  EXPECT_TRUE(fs::is_empty(folder_ / "scratch"));
}

TEST_F(BundleTest, AFileThatIsThereAlreadyIsNotWrittenOver) {
  Write("x.tar", "of somebody else");
  Write("x.tar.partial", "this too");
  EXPECT_FALSE(Out({data_.digest}));
  EXPECT_EQ(Read("x.tar"), "of somebody else");
  EXPECT_EQ(Read("x.tar.partial"), "this too");
}

TEST_F(BundleTest, AFolderOfWhichAFileIsMissingIsRefusedByNameAndNothingSeesIt) {
  ASSERT_TRUE(Out({model_.digest}));
  const std::string x = (folder_ / "x.tar").string();
  const std::string weights =
      "blobs/" + One().Put("ns", folder_ / "model/weights.bin")->digest.substr(7);
  ASSERT_EQ(std::system(("tar --delete -f " + x + " " + weights).c_str()), 0);
  const auto in = In();
  ASSERT_FALSE(in);
  EXPECT_THAT(in.error().message,
              HasSubstr("it lacks the file weights.bin of the folder " + model_.digest));
  EXPECT_FALSE(Two().Find("ns", model_.digest));
}

TEST_F(BundleTest, ASecondIndexIsRefused) {
  ASSERT_TRUE(Out({data_.digest}));
  const std::string x = (folder_ / "x.tar").string();
  Write("penstock-artifacts.json", std::string(100, ' '));
  ASSERT_EQ(std::system(
                ("tar -rf " + x + " -C " + folder_.string() + " penstock-artifacts.json").c_str()),
            0);
  const auto in = In();
  ASSERT_FALSE(in);
  EXPECT_THAT(in.error().message, HasSubstr("penstock-artifacts.json is not its first entry"));
}

}  // namespace
}  // namespace penstock::cli
