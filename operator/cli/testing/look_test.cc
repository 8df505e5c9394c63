// penstock look: which file the program gets, and what becomes of what it says.
#include <filesystem>

#include "operator/cli/testing/cli_fixture.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

TEST_F(CliTest, LookGivesTheProgramTheFileAndHandsOnWhatItSays) {
  Write("flights.csv", "a\n1\n");
  Write("libexec/penstock-components",
        "#!/bin/sh\nif [ \"$3\" = 'dataset=" + (folder_ / "flights.csv").string() +
            "' ]; then echo \"1 rows of $1\"; exit 0; fi\n"
            "echo 'look: line 2: what is this?' >&2\nexit 1\n");
  fs::permissions(folder_ / "libexec/penstock-components", fs::perms::owner_all);
  session_.env["PENSTOCK_LIBEXEC"] = (folder_ / "libexec").string();
  EXPECT_EQ(Penstock({"look", "flights.csv", "--rows", "3", "--columns", "a,b"}), kOk)
      << err_.str();
  EXPECT_EQ(out_.str(), "1 rows of look\n");
  Write("other.csv", "b\n1\n");
  EXPECT_EQ(Penstock({"look", "other.csv"}), kFailed);
  EXPECT_EQ(err_.str(), "error: line 2: what is this?\n");
}

TEST_F(CliTest, LookTakesAnArtifactOfThisMachineByItsDigest) {
  Write("rows.csv", "a\n1\n");
  ASSERT_EQ(Penstock({"artifact", "put", "rows.csv", "--state", (folder_ / ".penstock").string()}),
            kOk);
  const std::string digest = out_.str().substr(0, 71);
  Write("libexec/penstock-components", "#!/bin/sh\ncat \"${3#dataset=}\"\n");
  fs::permissions(folder_ / "libexec/penstock-components", fs::perms::owner_all);
  session_.env["PENSTOCK_LIBEXEC"] = (folder_ / "libexec").string();
  EXPECT_EQ(Penstock({"look", digest}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "a\n1\n");
  EXPECT_EQ(Penstock({"look", "nothing.csv"}), kFailed);
  EXPECT_NE(err_.str().find("nothing.csv"), std::string::npos) << err_.str();
}

}  // namespace
}  // namespace penstock::cli
