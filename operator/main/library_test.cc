#include "operator/main/library.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::main {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Library : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "penstock-library-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    Write("a.yaml", "a", "sh");
    Write("b.yaml", "b", "sh");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& file, const std::string& name, const std::string& command) const {
    std::ofstream(folder_ / file) << "apiVersion: penstock.dev/v1alpha1\nkind: Component\n"
                                  << "metadata: {name: " << name << "-1.0.0}\n"
                                  << "spec:\n  name: " << name << "\n  version: 1.0.0\n"
                                  << "  container: {image: i, command: [" << command << "]}\n";
  }
  Result<LibraryReport> Make() { return CreateLibrary(cluster_, "system", folder_); }

  SystemClock clock_;
  local::MemoryCluster cluster_{clock_};
  fs::path folder_;
};

TEST_F(Library, IsCreatedOnceAndNeverChanged) {
  auto made = Make();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->created, ElementsAre("a-1.0.0", "b-1.0.0"));
  Write("b.yaml", "b", "bash");
  made = Make();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->created, IsEmpty());
  EXPECT_THAT(made->different, ElementsAre("b-1.0.0"));
  const auto live = cluster_.Get(kube::kComponents, "system", "b-1.0.0");
  ASSERT_TRUE(live);
  EXPECT_EQ(live->at("spec").at("container").at("command"), Json({"sh"}));
}

TEST_F(Library, KeepsVersionsThatTheFolderHasNoMore) {
  ASSERT_TRUE(Make());
  fs::remove(folder_ / "a.yaml");
  ASSERT_TRUE(Make());
  EXPECT_TRUE(cluster_.Get(kube::kComponents, "system", "a-1.0.0"));
}

TEST_F(Library, IsRefusedWholeWhenAManifestIsNotValid) {
  std::ofstream(folder_ / "c.yaml") << "apiVersion: penstock.dev/v1alpha1\nkind: Component\n"
                                    << "metadata: {name: c}\nspec: {name: 7}\n";
  const auto made = Make();
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("c.yaml is no Component"));
  EXPECT_FALSE(cluster_.Get(kube::kComponents, "system", "a-1.0.0"));
  fs::remove_all(folder_);
  EXPECT_THAT(Make().error().message, HasSubstr(folder_.string()));
}

TEST_F(Library, SaysWhichComponentCouldNotBeMade) {
  cluster_.SetInterceptor([](const local::Request& r) -> std::optional<Error> {
    if (r.verb == "create") return Transient("no answer");
    return std::nullopt;
  });
  const auto made = Make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::kTransient);
  EXPECT_THAT(made.error().message, HasSubstr("a-1.0.0"));
}

}  // namespace
}  // namespace penstock::main
