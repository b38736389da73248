#include "mesh/io/address_book.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace tulle::mesh::address_book_test {
namespace {

AddressBook some_book() {
    return AddressBook([] {}, [](const HostPort&) { return LookUp{}; });
}

TEST(AddressBook, RemembersTheAddressOfAName) {
    AddressBook book = some_book();
    EXPECT_EQ(book.first("name:1", 3), 0U);
    book.remember("name:1", 2, 3);
    EXPECT_EQ(book.first("name:1", 3), 2U);
    EXPECT_EQ(book.first("name:2", 3), 2U) << "both ports of a node have one name";
    EXPECT_EQ(book.first("other:1", 3), 0U);
}

TEST(AddressBook, ANameWithFewerAddressesThanBeforeKeepsWithinThem) {
    AddressBook book = some_book();
    book.remember("name:1", 2, 3);
    EXPECT_LT(book.first("name:1", 2), 2U);
}

TEST(AddressBook, RemembersNothingOfASingleAddress) {
    AddressBook book = some_book();
    book.remember("name:1", 1, 1);
    EXPECT_EQ(book.first("name:1", 4), 0U);
}

TEST(AddressBook, NamesBeyondTheBoundMakeItForgetAll) {
    AddressBook book = some_book();
    for (std::size_t i = 0; i < AddressBook::kMaxRemembered; ++i) {
        book.remember("name" + std::to_string(i) + ":1", 1, 2);
    }
    EXPECT_EQ(book.first("name0:1", 2), 1U);
    book.remember("one-more:1", 1, 2);
    EXPECT_EQ(book.first("name0:1", 2), 0U);
    EXPECT_EQ(book.first("one-more:1", 2), 1U);
}

}  // namespace
}  // namespace tulle::mesh::address_book_test
