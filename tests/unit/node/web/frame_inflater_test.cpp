#include "node/web/frame_inflater.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "mesh/base/prng.hpp"

namespace tulle::node::frame_inflater_test {
namespace {

constexpr std::size_t kLimit = 200'000;
constexpr int kFinished = Z_FINISH;

/// What zlib makes of the text in one stream, without the mark of a flush.
std::string deflated(std::string_view text, int level, int memory_level, int flush) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, -15, memory_level, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_GE(::deflate(&stream, flush), 0);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    if (flush == Z_SYNC_FLUSH) {
        out.resize(out.size() - 4);
    }
    return out;
}

/// A client's frame, masked.
std::string frame(unsigned first, std::string_view payload, std::uint32_t key = 0x37fa213d) {
    std::string bytes(1, static_cast<char>(first));
    const std::size_t count = payload.size() < 126 ? 0 : payload.size() <= 0xffff ? 2 : 8;
    bytes.push_back(static_cast<char>(0x80u | (count == 0 ? payload.size() : count == 2 ? 126u : 127u)));
    for (std::size_t i = count; i > 0; --i) {
        bytes.push_back(static_cast<char>((payload.size() >> (8 * (i - 1))) & 0xff));
    }
    const std::string mask{static_cast<char>(key >> 24), static_cast<char>(key >> 16), static_cast<char>(key >> 8),
                           static_cast<char>(key)};
    bytes.append(mask);
    for (std::size_t i = 0; i < payload.size(); ++i) {
        bytes.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
    }
    return bytes;
}

struct Message {
    unsigned opcode = 0;
    std::string payload;
    friend bool operator==(const Message&, const Message&) = default;
};

/// The messages and control frames of a client's plain frames, as a strict reader has them; fails on RSV bits and wrong
/// sequences.
std::vector<Message> read(std::string_view bytes) {
    std::vector<Message> messages;
    Message open;
    while (!bytes.empty()) {
        const auto byte = [bytes](std::size_t i) {
            return static_cast<std::size_t>(static_cast<unsigned char>(bytes.at(i)));
        };
        EXPECT_EQ(byte(0) & 0x70, 0u);
        EXPECT_EQ(byte(1) & 0x80, 0x80u);
        std::size_t size = byte(1) & 0x7f;
        const std::size_t count = size < 126 ? 0 : size == 126 ? 2 : 8;
        size = count == 0 ? size : 0;
        for (std::size_t i = 0; i < count; ++i) {
            size = (size << 8) | byte(2 + i);
        }
        std::string payload(bytes.substr(2 + count + 4, size));
        for (std::size_t i = 0; i < payload.size(); ++i) {
            payload[i] = static_cast<char>(payload[i] ^ bytes[2 + count + i % 4]);
        }
        const unsigned opcode = byte(0) & 0x0f;
        if (opcode >= 8) {
            messages.push_back({opcode, payload});
        } else {
            EXPECT_EQ(opcode == 0, open.opcode != 0);
            open.opcode = opcode == 0 ? open.opcode : opcode;
            open.payload += payload;
            if ((byte(0) & 0x80) != 0) {
                messages.push_back(std::exchange(open, {}));
            }
        }
        bytes.remove_prefix(2 + count + 4 + size);
    }
    EXPECT_EQ(open.opcode, 0u) << "a message without an end";
    return messages;
}

/// In random pieces, and read in random pieces.
std::string shown(FrameInflater& inflater, std::string_view bytes, Prng& prng) {
    std::string out;
    while (!bytes.empty()) {
        const std::size_t size = std::min<std::size_t>(bytes.size(), 1 + prng.below(prng.chance(50) ? 8 : 4000));
        inflater.take(bytes.substr(0, size));
        bytes.remove_prefix(size);
        while (!inflater.output().empty() && prng.chance(80)) {
            const std::size_t taken = std::min<std::size_t>(inflater.output().size(), 1 + prng.below(3000));
            out.append(inflater.output().substr(0, taken));
            inflater.consume(taken);
        }
    }
    while (!inflater.output().empty()) {
        out.append(inflater.output());
        inflater.consume(inflater.output().size());
    }
    return out;
}

std::string some_text(Prng& prng) {
    std::string text(prng.below(prng.chance(20) ? 150'000 : 300), ' ');
    const unsigned letters = prng.chance(50) ? 256 : 3;
    std::generate(text.begin(), text.end(), [&] { return static_cast<char>(prng.below(letters)); });
    return text;
}

/// A message's compressed payload, in one of the ways of RFC 7692, 7.2.3, or as encoders write it that know no flush.
std::string compressed(std::string_view text, Prng& prng) {
    const int level = static_cast<int>(prng.below(10));
    const int memory = 1 + static_cast<int>(prng.below(9));  // a small one makes many blocks
    switch (prng.below(5)) {
        case 0:  // one final block, or several of which the last is final; and the octet that 7.2.3.4 asks for
            return deflated(text, level, memory, kFinished) + std::string(1, '\0');
        case 1:  // without it
            return deflated(text, level, memory, kFinished);
        case 2: {  // final blocks with more after them
            const std::size_t half = text.size() / 2;
            return deflated(text.substr(0, half), level, memory, kFinished) +
                   deflated(text.substr(half), level, memory, Z_SYNC_FLUSH);
        }
        default:
            return deflated(text, level, memory, Z_SYNC_FLUSH);
    }
}

TEST(FrameInflater, ShowsWhatWasMeantHoweverItIsCompressedCutAndFragmented) {
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        Prng prng(seed);
        FrameInflater inflater;
        inflater.limit(kLimit);
        std::string bytes;
        std::vector<Message> meant;
        for (int i = 0; i < 6; ++i) {
            const std::string text = some_text(prng);
            const bool is_deflated = prng.chance(75);
            const std::string payload = is_deflated ? compressed(text, prng) : text;
            const unsigned opcode = prng.chance(80) ? 1 : 2;
            const std::size_t cuts = prng.below(4);
            std::string_view rest = payload;
            std::vector<Message> between;
            for (std::size_t cut = 0; cut <= cuts; ++cut) {
                const std::size_t size = cut == cuts ? rest.size() : prng.below(rest.size() + 1);
                const unsigned first =
                    (cut == 0 ? opcode | (is_deflated ? 0x40u : 0u) : 0u) | (cut == cuts ? 0x80u : 0u);
                bytes += frame(first, rest.substr(0, size), static_cast<std::uint32_t>(prng.below(1u << 30)));
                rest.remove_prefix(size);
                if (cut < cuts && prng.chance(30)) {
                    between.push_back({9, "ping"});
                    bytes += frame(0x89, "ping");
                }
            }
            meant.insert(meant.end(), between.begin(), between.end());
            meant.push_back({opcode, text});
        }
        const std::vector<Message> seen = read(shown(inflater, bytes, prng));
        ASSERT_FALSE(inflater.is_corrupt()) << "seed " << seed;
        ASSERT_TRUE(seen == meant) << "seed " << seed;
    }
}

TEST(FrameInflater, TakesTheExamplesOfTheRfc) {
    const std::pair<const char*, std::string> examples[] = {
        {"7.2.3.1", std::string("\xf2\x48\xcd\xc9\xc9\x07\x00", 7)},
        {"7.2.3.3, no compression", std::string("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11)},
        {"7.2.3.4, BFINAL", std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)},
        {"7.2.3.5, two blocks", std::string("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13)},
    };
    for (const auto& [what, payload] : examples) {
        Prng prng(1);
        FrameInflater inflater;
        inflater.limit(kLimit);
        const std::vector<Message> seen = read(shown(inflater, frame(0xc1, payload), prng));
        EXPECT_TRUE(seen == (std::vector<Message>{{1, "Hello"}})) << what;
    }
}

TEST(FrameInflater, PassesWhatIsNotCompressedOrIsWrongAsItCame) {
    const std::string whole[] = {
        frame(0x81, "plain"), frame(0x89, "ping"), frame(0xc9, "ping"), frame(0xf1, "x"), frame(0xd1, "x"),
        frame(0xc3, "x"), frame(0xc0, "x"), std::string("\xc1\x01x", 3), frame(0x01, "a") + frame(0xc1, "b"),
        // lengths that could be shorter
        std::string("\xc1\xfe\x00\x01\0\0\0\0x", 9), std::string("\xc1\xff\0\0\0\0\0\0\0\x01\0\0\0\0x", 15)};
    for (const std::string& bytes : whole) {
        Prng prng(1);
        FrameInflater inflater;
        inflater.limit(kLimit);
        EXPECT_EQ(shown(inflater, bytes, prng), bytes);
        EXPECT_FALSE(inflater.is_corrupt());
    }
}

TEST(FrameInflater, InflatesNotMuchMoreThanItsLimit) {
    const std::string bomb = deflated(std::string(50'000'000, 'a'), 9, 9, Z_SYNC_FLUSH);
    FrameInflater inflater;
    inflater.limit(1000);
    inflater.take(frame(0xc1, bomb) + frame(0xc1, bomb));
    EXPECT_GT(inflater.output().size(), 1000u) << "so that the stream sees that it is too large";
    EXPECT_LT(inflater.output().size(), 50'000u);
}

TEST(FrameInflater, InflatesOneMessageAfterTheOtherAsTheyAreRead) {
    const std::string text(100'000, 'a');
    const std::string small = frame(0xc1, deflated(text, 9, 9, Z_SYNC_FLUSH));
    std::string many;
    constexpr std::size_t kMessages = 300;
    for (std::size_t i = 0; i < kMessages; ++i) {
        many += small;
    }
    FrameInflater inflater;
    inflater.limit(kLimit);
    inflater.take(many);
    std::string all;
    while (!inflater.output().empty()) {
        EXPECT_LT(inflater.memory(), many.size() + 400'000) << "of 30 MB";
        const std::string_view piece = inflater.output().substr(0, 5000);
        all += piece;
        inflater.consume(piece.size());
    }
    const std::vector<Message> seen = read(all);
    ASSERT_EQ(seen.size(), kMessages);
    EXPECT_TRUE(seen.back() == (Message{1, text}));
}

TEST(FrameInflater, SaysWhatIsCorruptAfterWhatCameBefore) {
    Prng prng(1);
    FrameInflater inflater;
    inflater.limit(kLimit);
    inflater.take(frame(0x81, "before") + frame(0xc1, std::string(50, '\xff')) + frame(0x81, "after"));
    EXPECT_TRUE(inflater.is_corrupt());
    EXPECT_TRUE(inflater.output().starts_with(frame(0x81, "before")));
    EXPECT_EQ(inflater.output().find("after"), std::string_view::npos);
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {  // nothing but its own end comes of random bytes
        Prng random(seed);
        FrameInflater any;
        any.limit(kLimit);
        std::string bytes(random.below(300), ' ');
        std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random.below(256)); });
        any.take(frame(0xc1, bytes));
        EXPECT_LE(any.output().size(), kLimit + 40'000);
    }
}

}  // namespace
}  // namespace tulle::node::frame_inflater_test
