#include "operator/protocol/file_uri.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(FileUri, EscapesAndTheNameOfThisMachineAreRead) {
  for (const auto& [uri, path] : {std::pair{"file:///data/x.csv", "/data/x.csv"},
                                  {"file:///a%20b", "/a b"},
                                  {"file://localhost/a%20b", "/a b"},
                                  {"file:///caf%C3%A9%2fx", "/caf\u00e9/x"},
                                  {"file:///100%.csv", "/100%.csv"},
                                  {"file:///x?y#z", "/x?y#z"},
                                  {"file:///%4", "/%4"}})
    EXPECT_EQ(PathOfFileUri(uri).value_or("refused"), path) << uri;
}

TEST(FileUri, AnotherMachinesFileIsRefused) {
  for (const char* uri : {"file://", "file://data/x.csv", "file://host/x", "file:///a%00b"})
    EXPECT_FALSE(PathOfFileUri(uri)) << uri;
}

}  // namespace
}  // namespace penstock
