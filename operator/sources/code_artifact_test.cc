// What is said of a digest that names no folder.
#include "operator/sources/code_artifact.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

namespace penstock::sources {
namespace {

using ::testing::HasSubstr;

TEST(FindCode, SaysOfASingleFileThatAModelIsAFolderToo) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "find_code_of_a_file";
  ASSERT_TRUE(WriteFileAtomically(folder / "in" / "model.pt", "weights"));
  const artifacts::Store store(folder / "store");
  const auto file = store.Put("ns", folder / "in" / "model.pt");
  ASSERT_TRUE(file) << file.error().message;
  const auto found = FindCode(store, "ns", file->digest);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(found.error().message, HasSubstr("is a single file; code and models are folders"));
  EXPECT_TRUE(artifacts::RemoveTree(folder));
}

}  // namespace
}  // namespace penstock::sources
