#include "node/log/log_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace tulle::node::log_writer_test {
namespace {

using namespace std::chrono_literals;

class Pipe {
public:
    Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
    ~Pipe() {
        close_reader();
        ::close(ends_[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] int writer() const { return ends_[1]; }
    void close_reader() {
        if (ends_[0] >= 0) {
            ::close(ends_[0]);
            ends_[0] = -1;
        }
    }

    /// Takes what is there, for at most 10 ms without a byte.
    void read_some() {
        char buffer[65536];
        pollfd readable{.fd = ends_[0], .events = POLLIN, .revents = 0};
        if (::poll(&readable, 1, 10) == 1) {
            EXPECT_GT(::read(ends_[0], buffer, sizeof buffer), 0);
        }
    }

    /// What comes until `end` is the last of it, for at most 10 s without a byte.
    std::string read_until(std::string_view end) {
        std::string text;
        char buffer[65536];
        pollfd readable{.fd = ends_[0], .events = POLLIN, .revents = 0};
        while (!text.ends_with(end) && ::poll(&readable, 1, 10'000) == 1) {
            text.append(buffer,
                        static_cast<std::size_t>(std::max<ssize_t>(0, ::read(ends_[0], buffer, sizeof buffer))));
        }
        return text;
    }

private:
    int ends_[2] = {-1, -1};
};

std::string missing(std::uint64_t count) {
    return "missing " + std::to_string(count) + "\n";
}

constexpr std::size_t kLineBytes = 1000;

std::string long_line(int number) {
    std::string line = std::to_string(number);
    line.resize(kLineBytes - 1, '.');
    return line + "\n";
}

TEST(LogWriter, WritesLinesInTheirOrder) {
    Pipe pipe;
    LogWriter writer(pipe.writer(), missing);
    writer.push("one\n");
    writer.push("two\n");
    EXPECT_TRUE(writer.flush(10s));
    EXPECT_FALSE(writer.is_busy());
    EXPECT_EQ(pipe.read_until("two\n"), "one\ntwo\n");
    EXPECT_EQ(writer.dropped(), 0U);
}

TEST(LogWriter, GoesOnWhenThereIsNoMemoryForTheLineThatTellsWhatIsMissing) {
    Pipe pipe;
    LogWriter writer(pipe.writer(), [](std::uint64_t) -> std::string { throw std::bad_alloc(); });
    for (int i = 0; writer.dropped() == 0; ++i) {
        writer.push(long_line(i));
    }
    const std::uint64_t dropped = writer.dropped();
    while (writer.is_busy()) {
        pipe.read_some();
    }
    EXPECT_GT(writer.dropped(), dropped);
    writer.push("last\n");
    EXPECT_TRUE(pipe.read_until("last\n").ends_with("last\n"));
}

TEST(LogWriter, DropsWhatNobodyReadsAndSaysHowMuchWhereItIsMissing) {
    Pipe pipe;
    LogWriter writer(pipe.writer(), missing);
    constexpr int kLines = 15'000;  // 15 MB: more than what waits, and as much that the writer may have taken before
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kLines; ++i) {
        writer.push(long_line(i));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << "whoever logs has waited";
    EXPECT_FALSE(writer.flush(1ms));
    const std::uint64_t dropped = writer.dropped();
    EXPECT_GT(dropped, kLines - (2 * LogWriter::kMaxWaitingBytes + (1u << 20)) / kLineBytes);
    EXPECT_LT(dropped, kLines - LogWriter::kMaxWaitingBytes / kLineBytes + 1);
    const std::string text = pipe.read_until(missing(dropped));
    EXPECT_TRUE(text.starts_with("0."));
    EXPECT_EQ(text.size(), (kLines - dropped) * kLineBytes + missing(dropped).size()) << "the others are whole";
    writer.push("after\n");
    EXPECT_EQ(pipe.read_until("after\n"), "after\n");
}

TEST(LogWriter, EndsThoughNobodyReads) {
    Pipe pipe;
    auto writer = std::make_unique<LogWriter>(pipe.writer(), missing);
    for (int i = 0; i < 1000; ++i) {
        writer->push(long_line(i));
    }
    const auto begin = std::chrono::steady_clock::now();
    writer.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, LogWriter::kLastWords + 5s);
    static_cast<void>(pipe.read_until(long_line(999)));  // so that the thread that was left behind ends before the pipe
}

TEST(LogWriter, CountsWhatCannotBeWritten) {
    std::signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    pipe.close_reader();
    LogWriter writer(pipe.writer(), missing);
    writer.push("nobody\n");
    EXPECT_TRUE(writer.flush(10s));
    EXPECT_EQ(writer.dropped(), 1U);
}

}  // namespace
}  // namespace tulle::node::log_writer_test
