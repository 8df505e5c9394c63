#include <gtest/gtest.h>

#include "components/validate/personal/check_digits.h"
#include "components/validate/personal/detect.h"
#include "components/validate/personal/mask.h"

namespace penstock::validate::personal {
namespace {

std::string KindsIn(std::string_view text) {
  const auto found = Detect(text);
  std::string names;
  for (std::size_t k = 0; k < kKinds; ++k) {
    if (found.proved[k]) names += (names.empty() ? "" : " ") + std::string(Name(Kind(k)));
  }
  return names;
}

TEST(PersonalData, IsFoundInEachKind) {
  EXPECT_EQ(KindsIn("write to gil-dong.hong+x@korea.co.kr."), "mail");
  EXPECT_EQ(KindsIn("010-1234-5678"), "phone");
  EXPECT_EQ(KindsIn("01012345678"), "phone");
  EXPECT_EQ(KindsIn("전화 02-123-4567 (집)"), "phone");
  EXPECT_EQ(KindsIn("+82 10-1234-5678"), "phone");
  EXPECT_EQ(KindsIn("(212) 736-5000"), "phone");
  EXPECT_EQ(KindsIn("4111 1111 1111 1111"), "card");
  EXPECT_EQ(KindsIn("378282246310005"), "card");
  EXPECT_EQ(KindsIn("DE89 3704 0044 0532 0130 00"), "iban");
  EXPECT_EQ(KindsIn("GB82WEST12345698765432"), "iban");
  EXPECT_EQ(KindsIn("from 203.0.113.7: GET /"), "ipv4");
}

// 2*9+3*0+4*0+5*1+6*0+7*1+8*1+9*2+2*3+3*4+4*5+5*6 = 124, 124 mod 11 = 3, 11 - 3 = 8.
TEST(PersonalData, ProvesAKoreanResidentNumberByItsLastDigit) {
  EXPECT_EQ(KindsIn("900101-1234568"), "residentNumber");
  EXPECT_EQ(KindsIn("9001011234568"), "residentNumber");
  for (const char last : {'0', '1', '2', '3', '4', '5', '6', '7', '9'}) {
    EXPECT_EQ(KindsIn(std::string("900101-123456") + last), "") << last;
  }
  EXPECT_TRUE(HasResidentForm("9001011234560"));
  EXPECT_FALSE(HasResidentForm("9002301234568"));  // the 30th of February
  EXPECT_FALSE(HasResidentForm("9001019234568"));
  // Of a foreigner the sum is 2*9+5+7+8*5+9*2+2*3+3*4+4*5+5*6 = 156, 156 mod 11 = 2, 13 - 2 = 11.
  EXPECT_TRUE(ResidentCheckHolds("9001015234561"));
  EXPECT_FALSE(ResidentCheckHolds("9001015234569"));
}

TEST(PersonalData, IsNotSeenInWhatOnlyLooksLikeIt) {
  for (const char* text : {"",
                           "@",
                           "a@b",
                           "a@b.c",
                           "user@localhost",
                           "1.2.3.4",
                           "10.0.26.1",
                           "256.1.1.1",
                           "1.2.3",
                           "4111 1111 1111 1112",
                           "4000000000000000",
                           "1234567890123456",
                           "2013-01-31 06:00:00",
                           "1357034400000",
                           "123-456-7890",
                           "N14228",
                           "UA 1545",
                           "DE89370400440532013001",
                           "x4111111111111111",
                           "900101-123456",
                           "010-12-345",
                           "1600000000",
                           "$1,234,567.89",
                           "40.712776, -74.005974",
                           "978-3-16-148410-0"}) {
    EXPECT_EQ(KindsIn(text), "") << text;
  }
}

TEST(PersonalData, DoesNotReadBeyondAnyBytes) {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += char(i * 2654435761U >> 13);
    (void)Detect(text.substr(text.size() > 40 ? text.size() - 40 : 0));
  }
  (void)Detect(text);
  EXPECT_EQ(KindsIn(std::string(100'000, '@')), "");
  EXPECT_EQ(KindsIn(std::string(100'000, '1')), "");
}

TEST(PersonalData, IsToldByItsFormOnly) {
  EXPECT_EQ(Masked("hong@korea.kr"), "xxxx@xxxxx.xx");
  EXPECT_EQ(Masked("900101-1234568"), "999999-9999999");
  EXPECT_EQ(Masked("N14228"), "N14228");
  EXPECT_EQ(MaskedWords("cannot cast 'hong@korea.kr' to INT32"),
            "cannot cast 'xxxx@xxxxx.xx' to INT32");
  EXPECT_EQ(MaskedWords("cannot cast 4111 1111 1111 1111"), "xxxxxx xxxx 9999 9999 9999 9999");
  EXPECT_EQ(Form("홍 1"), "*** 9");
}

TEST(CheckDigits, KnowLuhnAndNetworks) {
  EXPECT_TRUE(LuhnHolds("79927398713"));
  EXPECT_FALSE(LuhnHolds("79927398710"));
  EXPECT_TRUE(HasCardForm("5555555555554444"));
  EXPECT_TRUE(HasCardForm("2223003122003222"));
  EXPECT_FALSE(HasCardForm("2220003122003222"));
  EXPECT_FALSE(HasCardForm("411111111111111"));  // 15 digits
  EXPECT_TRUE(IbanCheckHolds("FR1420041010050500013M02606"));
  EXPECT_FALSE(IbanCheckHolds("FR1420041010050500013M02607"));
  EXPECT_FALSE(HasIbanForm("FR1420041010050500013M0260"));
  EXPECT_FALSE(HasIbanForm("XX1420041010050500013M02606"));
}

}  // namespace
}  // namespace penstock::validate::personal
