#include "operator/s3/xml.h"

#include <gtest/gtest.h>

namespace penstock::s3 {
namespace {

TEST(S3Xml, ReadsAListAsStoresAnswerIt) {
  const auto root = ParseXml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>models</Name>"
      "<Contents><Key>a &amp; b&#xFC;.csv</Key><Size>3</Size><Owner/></Contents>"
      "<!-- two -->\n<Contents><Key><![CDATA[<c>]]></Key><Size>4</Size></Contents>"
      "</ListBucketResult>\n");
  ASSERT_TRUE(root) << root.error().message;
  EXPECT_EQ(root->name, "ListBucketResult");
  EXPECT_EQ(root->Text("Name"), "models");
  const auto contents = root->All("Contents");
  ASSERT_EQ(contents.size(), 2u);
  EXPECT_EQ(contents[0]->Text("Key"), "a & bü.csv");
  EXPECT_EQ(contents[1]->Text("Key"), "<c>");
  EXPECT_EQ(contents[1]->Text("Owner"), "");
}

TEST(S3Xml, RefusesWhatIsNoAnswer) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  for (const std::string& text :
       {std::string(), std::string("no"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a>&lol;</a>"), std::string("<a/>x"), std::string("<a b='>"),
        std::string("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"), std::string("<a>&#0;</a>"), deep})
    EXPECT_FALSE(ParseXml(text)) << text.substr(0, 40);
}

TEST(S3Xml, WritesTextsThatItReadsBack) {
  const std::string text = "a<b>&\"c'";
  EXPECT_EQ(ParseXml("<t>" + XmlText(text) + "</t>")->text, text);
}

}  // namespace
}  // namespace penstock::s3
