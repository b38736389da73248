#include "mesh/io/ready_set.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace tulle::mesh::ready_set_test {
namespace {

class Event {
public:
    Event() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~Event() { close(fd_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void signal() const { EXPECT_EQ(eventfd_write(fd_, 1), 0); }
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

std::vector<std::uint64_t> ready(ReadySet& set) {
    std::vector<std::uint64_t> tokens = set.wait(0ms);
    std::sort(tokens.begin(), tokens.end());
    return tokens;
}

TEST(ReadySet, NamesWhatIsReadableUntilItWasRead) {
    const Event one;
    const Event two;
    ReadySet set;
    set.add(one.fd(), 1);
    set.add(two.fd(), 2);
    EXPECT_TRUE(ready(set).empty());
    two.signal();
    EXPECT_EQ(ready(set), (std::vector<std::uint64_t>{2}));
    one.signal();
    EXPECT_EQ(ready(set), (std::vector<std::uint64_t>{1, 2}));
    eventfd_t value = 0;
    eventfd_read(two.fd(), &value);
    EXPECT_EQ(ready(set), (std::vector<std::uint64_t>{1}));
    set.remove(one.fd());
    EXPECT_TRUE(ready(set).empty());
}

TEST(ReadySet, WaitsForWhatIsToBeWrittenToo) {
    const Event readable;
    const Event writable;
    ReadySet set;
    set.add(readable.fd(), 7);
    set.add_writable(writable.fd(), 8);
    EXPECT_EQ(set.wait(1h), (std::vector<std::uint64_t>{8})) << "returns at once: it can be written";
    readable.signal();
    EXPECT_EQ(ready(set), (std::vector<std::uint64_t>{7, 8}));
}

TEST(ReadySet, IsReadableItselfWhileOneOfThemIsReady) {
    const Event inner;
    ReadySet set;
    set.add(inner.fd(), 1);
    ReadySet outer;
    outer.add(set.descriptor(), 2);
    EXPECT_TRUE(ready(outer).empty());
    inner.signal();
    EXPECT_EQ(ready(outer), (std::vector<std::uint64_t>{2}));
    EXPECT_EQ(ready(set), (std::vector<std::uint64_t>{1})) << "to look does not take it away";
    EXPECT_EQ(ready(outer), (std::vector<std::uint64_t>{2}));
}

TEST(ReadySet, ForgetsWhatWasClosed) {
    ReadySet set;
    {
        const Event event;
        set.add(event.fd(), 1);
        event.signal();
    }
    EXPECT_TRUE(ready(set).empty());
}

TEST(ReadySet, FindsTheRestNextTimeWhenMoreAreReadyThanItNamesAtOnce) {
    std::vector<std::unique_ptr<Event>> events;
    ReadySet set;
    for (std::uint64_t i = 0; i < 2 * ReadySet::kMost; ++i) {
        events.push_back(std::make_unique<Event>());
        set.add(events.back()->fd(), i);
        events.back()->signal();
    }
    std::vector<std::uint64_t> found;
    for (int round = 0; round < 2; ++round) {
        for (const std::uint64_t token : ready(set)) {
            found.push_back(token);
            eventfd_t value = 0;
            eventfd_read(events[token]->fd(), &value);
        }
    }
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found.size(), events.size());
    EXPECT_EQ(std::unique(found.begin(), found.end()), found.end());
}

}  // namespace
}  // namespace tulle::mesh::ready_set_test
