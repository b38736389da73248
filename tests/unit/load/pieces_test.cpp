#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "mesh/base/prng.hpp"
#include "tools/load/dialect.hpp"
#include "tools/load/pieces.hpp"

namespace tulle::load::pieces_test {
namespace {

using Kind = Piece::Kind;

/// Of each beginning of `whole` it must say that more is needed, and of `whole` with something behind it that it is
/// this.
void expect_piece(Framing framing, const std::string& whole, Kind kind, std::string_view text) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string part = whole.substr(0, size);  // of its own, so that reading beyond it is found out
        EXPECT_EQ(next_piece(framing, part.data(), part.size()).kind, Kind::kMore) << size << " of " << whole;
    }
    for (const std::string& behind : {std::string(), std::string("\x81")}) {
        const std::string all = whole + behind;
        const Piece piece = next_piece(framing, all.data(), all.size());
        EXPECT_EQ(piece.kind, kind) << whole;
        EXPECT_EQ(piece.size, whole.size());
        EXPECT_EQ(piece.text, text);
    }
}

void expect_bad(Framing framing, const std::string& bytes) {
    EXPECT_EQ(next_piece(framing, bytes.data(), bytes.size()).kind, Kind::kBad) << bytes;
}

TEST(LoadPieces, FramesOfAServer) {
    expect_piece(Framing::kWebSocket, "\x81\x02hi", Kind::kMessage, "hi");
    expect_piece(Framing::kWebSocket, std::string("\x81\x00", 2), Kind::kMessage, "");
    const std::string middle(300, 'm');
    expect_piece(Framing::kWebSocket, std::string("\x81\x7e\x01\x2c", 4) + middle, Kind::kMessage, middle);
    const std::string big(70'000, 'b');
    const std::string whole = std::string("\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70", 10) + big;
    EXPECT_EQ(next_frame(whole.data(), whole.size() - 1).kind, Kind::kMore);
    EXPECT_EQ(next_frame(whole.data(), whole.size()).text, big);
    expect_piece(Framing::kWebSocket, "\x89\x01p", Kind::kOther, "p");
    EXPECT_EQ(next_frame("\x89\x01p", 3).opcode, 9);
}

TEST(LoadPieces, FramesThatAServerMustNotSend) {
    expect_bad(Framing::kWebSocket, "\x81\x82mask");  // masked
    expect_bad(Framing::kWebSocket, "\x81\xfemask");
    expect_bad(Framing::kWebSocket, "\x01\x02hi");                                // a fragment
    expect_bad(Framing::kWebSocket, "\xc1\x02hi");                                // compressed
    expect_bad(Framing::kWebSocket, "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff");  // 16 EiB
}

TEST(LoadPieces, RepliesOfRedis) {
    expect_piece(Framing::kRedis, "*3\r\n$7\r\nmessage\r\n$7\r\nbench-0\r\n$4\r\ntext\r\n", Kind::kMessage, "text");
    expect_piece(Framing::kRedis, "*3\r\n$9\r\nsubscribe\r\n$7\r\nbench-0\r\n:1\r\n", Kind::kOther, "subscribe");
    expect_piece(Framing::kRedis, ":17\r\n", Kind::kOther, ":17");
    expect_piece(Framing::kRedis, "-ERR no\r\n", Kind::kOther, "-ERR no");
    expect_bad(Framing::kRedis, "HTTP/1.1 200 OK\r\n");
    expect_bad(Framing::kRedis, "*9999\r\n");
    expect_bad(Framing::kRedis, "*3\r\n$99999999999999999999\r\n");
    expect_bad(Framing::kRedis, "*3\r\n$-1\r\n");
}

TEST(LoadPieces, LinesOfNats) {
    expect_piece(Framing::kNats, "MSG bench-0 1 4\r\ntext\r\n", Kind::kMessage, "text");
    expect_piece(Framing::kNats, "MSG bench-0 1 reply 4\r\nt\r\nt\r\n", Kind::kMessage, "t\r\nt");
    expect_piece(Framing::kNats, "PING\r\n", Kind::kOther, "PING");
    expect_piece(Framing::kNats, "-ERR 'Slow Consumer'\r\n", Kind::kOther, "-ERR 'Slow Consumer'");
    expect_bad(Framing::kNats, "MSG bench-0 1 many\r\n");
}

TEST(LoadPieces, ResponsesOfHttp) {
    expect_piece(Framing::kHttp, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: x\r\n\r\n{}", Kind::kOther,
                 "HTTP/1.1 200 OK");
    expect_piece(Framing::kHttp, "HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", Kind::kOther,
                 "HTTP/1.1 404 Not Found");
    expect_bad(Framing::kHttp, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect_bad(Framing::kHttp, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n");
}

TEST(LoadPieces, NeverClaimMoreThanTheyWereGivenWhateverThatIs) {
    const std::string_view fragments[] = {"MSG b 1 ",
                                          "\r\n",
                                          "*3\r\n",
                                          "$7\r\nmessage\r\n",
                                          "$4\r\n",
                                          ":1\r\n",
                                          "HTTP/1.1 200 OK",
                                          "\r\nContent-Length: ",
                                          "4",
                                          "\r\n\r\n",
                                          "text",
                                          "\x81",
                                          "\x7e",
                                          "\x7f",
                                          " "};
    Prng prng(3);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes;
        for (std::uint64_t left = prng.below(8); left > 0; --left) {
            if (prng.below(4) == 0) {
                bytes.push_back(static_cast<char>(prng.below(256)));
            } else {
                bytes.append(fragments[prng.below(std::size(fragments))]);
            }
        }
        const std::vector<char> exact(bytes.begin(), bytes.end());  // without the zero behind a string
        for (const Framing framing : {Framing::kWebSocket, Framing::kRedis, Framing::kNats, Framing::kHttp}) {
            const Piece piece = next_piece(framing, exact.data(), exact.size());
            const bool whole = piece.kind == Kind::kMessage || piece.kind == Kind::kOther;
            EXPECT_EQ(whole, piece.size > 0) << bytes;
            EXPECT_LE(piece.size, exact.size()) << bytes;
            EXPECT_LE(piece.text.size(), piece.size) << bytes;
        }
    }
}

}  // namespace
}  // namespace tulle::load::pieces_test
