#include "node/redis/wire/resp_reader.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "node/redis/core/limits.hpp"

namespace tulle::node::redis::resp_reader_test {
namespace {

using namespace std::string_literals;
using Command = std::vector<std::string>;
using Commands = std::vector<Command>;

/// What a client's bytes are read as.
struct Reading {
    Commands commands;
    /// Nothing: the reader waits for more.
    std::optional<std::string> error;

    friend bool operator==(const Reading&, const Reading&) = default;
};

/// Feeds the bytes in pieces of `size`, out of a buffer that moves with each piece.
Reading feed(std::string_view bytes, std::size_t size, bool is_authenticated) {
    RespReader reader;
    reader.set_authenticated(is_authenticated);
    Reading reading;
    std::string buffer;
    for (std::size_t come = 0; come < bytes.size(); come += size) {
        buffer = std::string(buffer).append(bytes.substr(come, size));
        ReadResult result = reader.read(buffer);
        for (; result == ReadResult::kCommand || result == ReadResult::kNothing; result = reader.read(buffer)) {
            if (result == ReadResult::kCommand) {
                reading.commands.emplace_back(reader.arguments().begin(), reader.arguments().end());
            }
            buffer.erase(0, reader.consume());
        }
        if (result == ReadResult::kBroken) {
            reading.error = reader.error();
            return reading;
        }
    }
    return reading;
}

/// Feeds the bytes of an authenticated client at once.
Reading read(std::string_view bytes) {
    return feed(bytes, bytes.size(), true);
}

Reading read_before_auth(std::string_view bytes) {
    return feed(bytes, bytes.size(), false);
}

Reading commands(Commands expected) {
    return {std::move(expected), std::nullopt};
}

Reading error(std::string text) {
    return {{}, text.empty() ? text : "ERR Protocol error: " + text};
}

std::string bulk(std::string_view bytes) {
    return "$" + std::to_string(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n";
}

TEST(RespReader, ReadsAnArrayOfBulkStrings) {
    EXPECT_EQ(read("*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$2\r\nhi\r\n"), commands({{"PUBLISH", "news", "hi"}}));
}

TEST(RespReader, ReadsAPipelineCommandByCommand) {
    EXPECT_EQ(read("*1\r\n$4\r\nPING\r\nPING x\r\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n"),
              commands({{"PING"}, {"PING", "x"}, {"ECHO", "x"}}));
}

TEST(RespReader, ArgumentsHoldAnyBytes) {
    const std::string bytes = "\r\n\0*1\r\n$\xff"s;
    EXPECT_EQ(read("*2\r\n" + bulk(bytes) + bulk("")), commands({{bytes, ""}}));
}

TEST(RespReader, WaitsForTheRestOfACommand) {
    constexpr std::string_view kCommand = "*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\n";
    for (std::size_t size = 0; size < kCommand.size(); ++size) {
        RespReader reader;
        EXPECT_EQ(reader.read(kCommand.substr(0, size)), ReadResult::kIncomplete) << size;
        EXPECT_EQ(reader.read(kCommand), ReadResult::kCommand) << size;
    }
}

TEST(RespReader, ConsumesTheBytesOfTheCommandAlone) {
    RespReader reader;
    ASSERT_EQ(reader.read("*1\r\n$4\r\nPING\r\n*1\r\n"), ReadResult::kCommand);
    EXPECT_EQ(reader.consume(), std::string_view("*1\r\n$4\r\nPING\r\n").size());
    EXPECT_EQ(reader.read("*1\r\n"), ReadResult::kIncomplete);
}

TEST(RespReader, ArgumentsOfAnArrayAreViewsIntoTheBytes) {
    const std::string bytes = "*1\r\n$4\r\nPING\r\n";
    RespReader reader;
    ASSERT_EQ(reader.read(bytes), ReadResult::kCommand);
    EXPECT_EQ(reader.arguments()[0].data(), bytes.data() + 8);
}

TEST(RespReader, PassesOverEmptyLinesAndEmptyArrays) {
    EXPECT_EQ(read("\r\n\n  \r\n*0\r\n*-1\r\n*-10\r\n*-9223372036854775808\r\nPING\r\n"), commands({{"PING"}}));
}

TEST(RespReader, AnEmptyLineIsNothingAndIsConsumed) {
    RespReader reader;
    ASSERT_EQ(reader.read("\r\nPING"), ReadResult::kNothing);
    EXPECT_EQ(reader.consume(), 2U);
}

/// Redis passes over the two bytes behind a line or an argument without looking at them.
TEST(RespReader, DoesNotLookAtTheBytesOfALinesEnd) {
    EXPECT_EQ(read("*2\rX$1\rYa##$1\r\nbcd"), commands({{"a", "b"}}));
}

TEST(RespReader, RefusesANumberOfArgumentsThatRedisRefuses) {
    for (const std::string_view number :
         {"", "-", "-0", "+1", "01", " 1", "1 ", "1a", "9223372036854775808", "16385", "1000000000", "2147483648"}) {
        EXPECT_EQ(read("*" + std::string(number) + "\r\n"), error("invalid multibulk length")) << number;
    }
}

TEST(RespReader, RefusesASizeThatRedisRefuses) {
    for (const std::string_view number : {"", "-1", "-0", "+1", "01", " 1", "1 ", "1a", "536870912", "1044481"}) {
        EXPECT_EQ(read("*1\r\n$" + std::string(number) + "\r\n"), error("invalid bulk length")) << number;
    }
}

TEST(RespReader, RefusesAnArgumentWithoutItsSize) {
    EXPECT_EQ(read("*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"), error("expected '$', got 'f'"));
    EXPECT_EQ(read("*1\r\n\xffoo\r\n"), error("expected '$', got '\xff'"));
    EXPECT_EQ(read("*1\r\n*1\r\n$4\r\nPING\r\n"), error("expected '$', got '*'"));
}

TEST(RespReader, TheErrorHoldsNoEndOfLine) {
    EXPECT_EQ(read("*1\r\n\r\nfooz\r\n"), error("expected '$', got ' '"));
    EXPECT_EQ(read("*1\r\n\nfooz\r\n"), error("expected '$', got ' '"));
}

TEST(RespReader, CommandsBeforeAnErrorAreRead) {
    EXPECT_EQ(read("PING\r\n*x\r\nPING\r\n"), (Reading{{{"PING"}}, "ERR Protocol error: invalid multibulk length"}));
}

TEST(RespReader, StaysBroken) {
    RespReader reader;
    ASSERT_EQ(reader.read("*x\r\n"), ReadResult::kBroken);
    EXPECT_EQ(reader.read("*1\r\n$4\r\nPING\r\n"), ReadResult::kBroken);
    EXPECT_EQ(reader.error(), "ERR Protocol error: invalid multibulk length");
}

TEST(RespReader, ReadsAsManyArgumentsAsAreAllowed) {
    std::string bytes = "*" + std::to_string(kMaxArguments) + "\r\n";
    for (std::size_t i = 0; i < kMaxArguments; ++i) {
        bytes += "$1\r\nx\r\n";
    }
    const Reading reading = read(bytes + "PING\r\n");
    EXPECT_EQ(reading, commands({Command(kMaxArguments, "x"), {"PING"}}));
}

TEST(RespReader, ReadsAsLongAnArgumentAsIsAllowed) {
    const std::string most(kMaxBulkBytes, 'x');
    EXPECT_EQ(read("*1\r\n" + bulk(most)), commands({{most}}));
}

TEST(RespReader, RefusesACommandThatWouldBeTooLargeBeforeItHasCome) {
    const std::string start = "*3\r\n" + bulk(std::string(kMaxBulkBytes, 'x'));
    const std::size_t left = kMaxCommandBytes - start.size();
    EXPECT_EQ(read(start + "$" + std::to_string(left) + "\r\n"), error("too big command"));
    // The line of the size has 8 bytes, and 2 bytes are behind the argument.
    EXPECT_EQ(read(start + "$" + std::to_string(left - 10) + "\r\n"), commands({}));
    EXPECT_EQ(read(start + "$" + std::to_string(left - 9) + "\r\n"), error("too big command"));
}

TEST(RespReader, RefusesALineThatDoesNotEnd) {
    const std::string most(kMaxInlineBytes, '1');
    EXPECT_EQ(read(most), commands({}));
    EXPECT_EQ(read(most + '1'), error("too big inline request"));
    EXPECT_EQ(read(most + '\n'), commands({{most}}));
    EXPECT_EQ(read(most + "1\n"), error("too big inline request"));
    EXPECT_EQ(read("*" + most.substr(1)), commands({}));
    EXPECT_EQ(read("*" + most), error("too big mbulk count string"));
    EXPECT_EQ(read("*1\r\n$" + most.substr(1)), commands({}));
    EXPECT_EQ(read("*1\r\n$" + most), error("too big bulk count string"));
}

TEST(RespReader, BeforeAuthOnlyFewAndShortArgumentsAreRead) {
    EXPECT_EQ(read_before_auth("*10\r\n"), commands({}));
    EXPECT_EQ(read_before_auth("*11\r\n"), error("unauthenticated multibulk length"));
    EXPECT_EQ(read_before_auth("*1\r\n$16384\r\n"), commands({}));
    EXPECT_EQ(read_before_auth("*1\r\n$16385\r\n"), error("unauthenticated bulk length"));
}

TEST(RespReader, TheLimitsBeforeAuthDoNotConcernInlineCommands) {
    EXPECT_EQ(read_before_auth("a b c d e f g h i j k\n"),
              commands({{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}}));
}

TEST(RespReader, AuthIsValidForTheNextCommandOfAPipeline) {
    const std::string bytes = "*1\r\n$4\r\nAUTH\r\n*11\r\n";
    RespReader reader;
    ASSERT_EQ(reader.read(bytes), ReadResult::kCommand);
    const std::size_t size = reader.consume();
    reader.set_authenticated(true);
    EXPECT_EQ(reader.read(std::string_view(bytes).substr(size)), ReadResult::kIncomplete);
}

TEST(RespReader, AnInlineCommandIsSplitAtBlanks) {
    EXPECT_EQ(read("  SET\tkey   value \r\nPING\n"), commands({{"SET", "key", "value"}, {"PING"}}));
}

/// Vertical tabs and form feeds separate arguments only where other blanks do.
TEST(RespReader, ABlankThatRedisOverlooksBelongsToTheWord) {
    EXPECT_EQ(read("a\vb \f\vc\n"), commands({{"a\vb", "c"}}));
}

TEST(RespReader, DoubleQuotesHoldBlanksAndEscapes) {
    EXPECT_EQ(read(R"(SET "a b" "\x00\xfF\n\r\t\b\a\"\\\q\x4")"
                   "\n"),
              commands({{"SET", "a b", "\0\xff\n\r\t\b\a\"\\qx4"s}}));
}

TEST(RespReader, SingleQuotesHoldTheirQuoteAsTheOnlyEscape) {
    EXPECT_EQ(read(R"(SET 'it\'s' '\n"\x41\\' ')"
                   "\n"),
              commands({{"SET", "it's", R"(\n"\x41\' )"}}));
}

TEST(RespReader, AQuoteMayOpenWithinAWord) {
    EXPECT_EQ(read("a\"b c\" ''\n"), commands({{"ab c", ""}}));
}

TEST(RespReader, AnEscapeOutsideQuotesIsNoEscape) {
    EXPECT_EQ(read("a\\x41 \\n\n"), commands({{"a\\x41", "\\n"}}));
}

TEST(RespReader, RefusesUnbalancedQuotes) {
    for (const std::string_view line : {"\"a", "'a", "\"a\"b", "'a'b", "a\"b\"c", "\"a\\\"", "'a\\'", "\"\\"}) {
        EXPECT_EQ(read(std::string(line) + "\r\n"), error("unbalanced quotes in request")) << line;
    }
}

TEST(RespReader, RefusesMoreInlineArgumentsThanAreAllowed) {
    std::string line;
    for (std::size_t i = 0; i < kMaxArguments; ++i) {
        line += "x ";
    }
    EXPECT_EQ(read(line + "\n").commands.at(0).size(), kMaxArguments);
    EXPECT_EQ(read(line + "x\n"), error("too big inline request"));
}

/// A browser that a page has sent here must not have the body of its request read as commands.
TEST(RespReader, ARequestOfHttpIsBrokenWithoutAWord) {
    EXPECT_EQ(read("POST / HTTP/1.1\r\nPING\r\n"), error(""));
    EXPECT_EQ(read("pOsT\n"), error(""));
    EXPECT_EQ(read("hOST: example.org\r\n"), error(""));
    EXPECT_EQ(read("*1\r\n$4\r\npost\r\n"), error(""));
    EXPECT_EQ(read("POSTS\nHost\n"), commands({{"POSTS"}, {"Host"}}));
}

TEST(RespReader, AByteOfZeroIsAByteLikeAnother) {
    EXPECT_EQ(read("a\0b c\n"s), commands({{"a\0b"s, "c"}}));
    EXPECT_EQ(read("*1\0\r\n"s), error("invalid multibulk length"));
}

TEST(RespReader, ASecondCommandAfterALargeOneIsReadAlike) {
    std::string bytes = "*1000\r\n";
    for (int i = 0; i < 1000; ++i) {
        bytes += bulk(std::to_string(i));
    }
    const std::string word(5000, 'x');
    const Reading reading = read(bytes + word + "\n" + bytes + "PING\n");
    ASSERT_EQ(reading.commands.size(), 4U);
    EXPECT_EQ(reading.commands[0], reading.commands[2]);
    EXPECT_EQ(reading.commands[1], Command{word});
    EXPECT_EQ(reading.commands[3], Command{"PING"});
}

TEST(RespReader, PiecesAreReadLikeTheWhole) {
    const std::array texts{
        "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$2\r\nhi\r\n*1\r\n$4\r\nPING\r\n"s,
        "\r\n\n*0\r\n*-10\r\nPING\r\n*1\r\n$0\r\n\r\n"s,
        "SET \"a \\x41\" 'b\\'c' d\r\nPING\n"s,
        "PING\n\"a\"b\nPING\n"s,
        "*2\rX$1\rYa##$1\r\nbcd"s,
        "*1\r\n\r\nfooz\r\n"s,
        "*1\r\n$-1\r\n"s,
        "*11\r\n"s,
        "*1\r\n$16385\r\n"s,
        "POST / HTTP/1.1\r\nHost: x\r\n\r\n*1\r\n$4\r\nPING\r\n"s,
        "*1000000000\r\n$536870912\r\n"s,
        "*2\r\n$4\r\nECHO\r\n$100\r\nabc"s,
    };
    for (const std::string& text : texts) {
        for (const bool is_authenticated : {false, true}) {
            const Reading whole = feed(text, text.size(), is_authenticated);
            for (const std::size_t size : {1U, 2U, 3U, 7U}) {
                EXPECT_EQ(feed(text, size, is_authenticated), whole) << text << " in pieces of " << size;
            }
        }
    }
}

TEST(RespReader, LongLinesInPiecesAreReadLikeTheWhole) {
    for (const std::string_view start : {"", "*", "*1\r\n$"}) {
        for (const std::string_view end : {"", "\n", "\r\n", "11\r\n"}) {
            const std::string text = std::string(start) + std::string(kMaxInlineBytes, '1') + std::string(end);
            for (const std::size_t size : {std::size_t{1000}, kMaxInlineBytes - 1, kMaxInlineBytes + 1}) {
                EXPECT_EQ(feed(text, size, true), read(text)) << start << " " << end << " " << size;
            }
        }
    }
}

}  // namespace
}  // namespace tulle::node::redis::resp_reader_test
