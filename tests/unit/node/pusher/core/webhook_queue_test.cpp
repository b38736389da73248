#include "node/pusher/core/webhook_queue.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "node/pusher/core/webhook_limits.hpp"

namespace tulle::node::webhook_queue_test {
namespace {

constexpr Instant kStart{1000s};
const EndpointId kA{"app", "http://a", 0};
const EndpointId kB{"app", "http://b", 0};

class WebhookQueueTest : public ::testing::Test {
protected:
    Push add(Instant now, const EndpointId& endpoint, std::uint64_t id, bool batch = true) {
        return queue.add(now, endpoint, batch, id, share(std::to_string(id)));
    }
    QueueEffects at(Instant now) {
        queue.on_deadline(now, out);
        return take();
    }
    QueueEffects outcome(Instant now, const EndpointId& endpoint, bool is_taken) {
        queue.on_outcome(now, endpoint, is_taken, out);
        return take();
    }
    QueueEffects take() { return std::exchange(out, {}); }
    /// The ids of the events in the request to `endpoint` among the effects.
    static std::vector<std::string> sent(const QueueEffects& effects, const EndpointId& endpoint) {
        std::vector<std::string> ids;
        for (const QueueEffect& effect : effects) {
            const auto* attempt = std::get_if<StartAttempt>(&effect);
            if (attempt != nullptr && attempt->endpoint == endpoint) {
                for (const SharedBytes& event : attempt->events) {
                    ids.push_back(*event);
                }
            }
        }
        return ids;
    }
    using Ids = std::vector<std::string>;

    QueueEffects out;
    WebhookQueue queue{{300s, 1000, 1u << 20}, 1};
};

TEST_F(WebhookQueueTest, GathersEventsForAMoment) {
    ASSERT_EQ(add(kStart, kA, 1), Push::kAccepted);
    EXPECT_EQ(queue.next_deadline(), kStart + kWebhookWindow);
    ASSERT_EQ(add(kStart + 20ms, kA, 2), Push::kAccepted);
    EXPECT_EQ(at(kStart + kWebhookWindow - 1ns), QueueEffects{});
    EXPECT_EQ(sent(at(kStart + kWebhookWindow), kA), (Ids{"1", "2"}));
    EXPECT_EQ(outcome(kStart + 1s, kA, true),
              (QueueEffects{EventSettled{1, EventEnd::kTaken}, EventSettled{2, EventEnd::kTaken}}));
    EXPECT_EQ(queue.size(), 0u);
    EXPECT_EQ(queue.next_deadline(), std::nullopt);
}

TEST_F(WebhookQueueTest, AFullBatchDoesNotWait) {
    for (std::uint64_t id = 1; id <= kMaxWebhookBatchEvents + 5; ++id) {
        ASSERT_EQ(add(kStart, kA, id), Push::kAccepted);
    }
    EXPECT_EQ(sent(at(kStart), kA).size(), kMaxWebhookBatchEvents);
    outcome(kStart + 1ms, kA, true);
    EXPECT_EQ(sent(at(kStart + kWebhookWindow), kA), (Ids{"101", "102", "103", "104", "105"}));
}

TEST_F(WebhookQueueTest, WithoutBatchesEachEventGoesAloneAndAtOnce) {
    ASSERT_EQ(add(kStart, kA, 1, false), Push::kAccepted);
    ASSERT_EQ(add(kStart, kA, 2, false), Push::kAccepted);
    EXPECT_EQ(sent(at(kStart), kA), (Ids{"1"}));
    EXPECT_EQ(at(kStart), QueueEffects{}) << "one request at a time";
    EXPECT_EQ(outcome(kStart, kA, true), (QueueEffects{EventSettled{1, EventEnd::kTaken}}));
    EXPECT_EQ(sent(at(kStart), kA), (Ids{"2"}));
}

TEST_F(WebhookQueueTest, LargeEventsMakeSmallBatches) {
    const SharedBytes large = share(std::string(kMaxWebhookBatchBytes / 2 + 1, 'x'));
    WebhookQueue roomy({300s, 1000, 16u << 20}, 1);
    for (std::uint64_t id = 1; id <= 3; ++id) {
        ASSERT_EQ(roomy.add(kStart, kA, true, id, large), Push::kAccepted);
    }
    roomy.on_deadline(kStart + 1s, out);
    EXPECT_EQ(std::get<StartAttempt>(take()[0]).events.size(), 1u);
}

TEST_F(WebhookQueueTest, WhatFailedComesAgainFirstAfterGrowingPauses) {
    ASSERT_EQ(add(kStart, kA, 1, false), Push::kAccepted);
    ASSERT_EQ(add(kStart, kA, 2, false), Push::kAccepted);
    Instant now = kStart;
    Duration expected = kWebhookRetryMin;
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(sent(at(now), kA), (Ids{"1"}));
        EXPECT_EQ(outcome(now, kA, false), QueueEffects{});
        const Instant next = queue.next_deadline().value();
        EXPECT_GE(next - now, std::min(expected - expected / 4, kStart + 300s - now)) << i;
        EXPECT_LE(next - now, expected + expected / 4) << i;
        expected = std::min(expected * 2, kWebhookRetryMax);
        now = next;
    }
}

TEST_F(WebhookQueueTest, AnEventIsGivenUpWhenItsTimeIsOverAndTheNextOneIsTried) {
    ASSERT_EQ(add(kStart, kA, 1, false), Push::kAccepted);
    at(kStart);
    ASSERT_EQ(add(kStart + 200s, kA, 2, false), Push::kAccepted);
    Instant now = kStart;
    QueueEffects settled;
    while (settled.empty()) {
        settled = outcome(now, kA, false);
        now = queue.next_deadline().value();
        ASSERT_LE(now, kStart + 400s);
        at(now);
    }
    EXPECT_EQ(settled, (QueueEffects{EventSettled{1, EventEnd::kGivenUp}}));
    EXPECT_EQ(outcome(now, kA, true), (QueueEffects{EventSettled{2, EventEnd::kTaken}}));
}

TEST_F(WebhookQueueTest, WhatIsDroppedBeforeItWasSentGoesAtOnce) {
    ASSERT_EQ(add(kStart, kA, 1), Push::kAccepted);
    ASSERT_EQ(add(kStart + 10ms, kA, 2), Push::kAccepted);
    queue.drop(kStart + 10ms, kA, 1, out);
    EXPECT_EQ(take(), (QueueEffects{EventSettled{1, EventEnd::kDropped}}));
    queue.drop(kStart + 10ms, kA, 1, out);
    queue.drop(kStart + 10ms, kB, 1, out);
    EXPECT_EQ(take(), QueueEffects{});
    EXPECT_EQ(sent(at(kStart + 10ms + kWebhookWindow), kA), (Ids{"2"}));
}

TEST_F(WebhookQueueTest, WhatHasFailedOnceIsDroppedInDoubtAndNotRepeated) {
    ASSERT_EQ(add(kStart, kA, 1, false), Push::kAccepted);
    at(kStart);
    outcome(kStart, kA, false);
    queue.drop(kStart, kA, 1, out);
    EXPECT_EQ(take(), (QueueEffects{EventSettled{1, EventEnd::kDoubtful}}));
    EXPECT_EQ(queue.next_deadline(), std::nullopt);
    EXPECT_EQ(queue.size(), 0u);
}

TEST_F(WebhookQueueTest, WhatIsInFlightWhenItIsDroppedIsNotRepeated) {
    for (const bool is_taken : {true, false}) {
        const std::uint64_t id = is_taken ? 1 : 3;
        ASSERT_EQ(add(kStart, kA, id), Push::kAccepted);
        ASSERT_EQ(add(kStart, kA, id + 1), Push::kAccepted);
        at(kStart + kWebhookWindow);
        queue.drop(kStart + kWebhookWindow, kA, id, out);
        EXPECT_EQ(take(), QueueEffects{});
        const QueueEffects ends = outcome(kStart + 1s, kA, is_taken);
        ASSERT_FALSE(ends.empty());
        EXPECT_EQ(ends.front(), (QueueEffect{EventSettled{id, is_taken ? EventEnd::kTaken : EventEnd::kDoubtful}}));
        EXPECT_EQ(ends.size(), is_taken ? 2u : 1u) << "the other one is tried again";
    }
    EXPECT_EQ(sent(at(queue.next_deadline().value()), kA), (Ids{"4"}));
}

TEST_F(WebhookQueueTest, TheLastAttemptIsMadeWhenTheTimeIsOver) {
    WebhookQueue brief({500ms, 10, 1000}, 1);
    ASSERT_EQ(brief.add(kStart, kA, false, 1, share("1")), Push::kAccepted);
    brief.on_deadline(kStart, out);
    brief.on_outcome(kStart + 100ms, kA, false, out);
    take();
    EXPECT_EQ(brief.next_deadline(), kStart + 500ms);
    brief.on_deadline(kStart + 500ms, out);
    EXPECT_EQ(sent(take(), kA), (Ids{"1"}));
    brief.on_outcome(kStart + 600ms, kA, false, out);
    EXPECT_EQ(take(), (QueueEffects{EventSettled{1, EventEnd::kGivenUp}}));
}

TEST_F(WebhookQueueTest, AFullQueueRefuses) {
    WebhookQueue small({300s, 2, 5}, 1);
    EXPECT_EQ(small.add(kStart, kA, true, 1, share("1234")), Push::kAccepted);
    EXPECT_EQ(small.add(kStart, kA, true, 2, share("12")), Push::kRefused) << "bytes";
    EXPECT_EQ(small.add(kStart, kA, true, 2, share("1")), Push::kAccepted);
    EXPECT_EQ(small.add(kStart, kA, true, 3, share("")), Push::kRefused) << "events";
    EXPECT_EQ(small.add(kStart, kB, true, 4, share("12345")), Push::kAccepted)
        << "another endpoint has room of its own";
    EXPECT_EQ(small.add(kStart, {"app", "http://c", 0}, true, 5, share("123456")), Push::kRefused);
    EXPECT_EQ(small.size(), 3u);
}

TEST_F(WebhookQueueTest, EndpointsThatHangLeaveTheOthersRoom) {
    std::vector<EndpointId> hanging;
    for (std::size_t i = 0; i < 2 * kMaxWebhookRequests; ++i) {
        hanging.push_back({"app", "http://hanging-" + std::to_string(i), 0});
        ASSERT_EQ(add(kStart, hanging.back(), i, false), Push::kAccepted);
    }
    std::size_t started = 0;
    for (int round = 0; round < 2; ++round) {
        const QueueEffects effects = at(kStart);
        EXPECT_EQ(effects.size(), kMaxWebhookRequests);
        for (const QueueEffect& effect : effects) {
            queue.on_outcome(kStart, std::get<StartAttempt>(effect).endpoint, false, out);
            ++started;
        }
        take();
    }
    EXPECT_EQ(started, hanging.size());
    const Instant later = kStart + 10s;
    EXPECT_EQ(at(later).size(), kMaxWebhookRetries) << "of those that failed only so many are tried at once";
    EXPECT_EQ(queue.next_deadline(), std::nullopt) << "the others wait for one to end";
    ASSERT_EQ(add(later, kA, 1000, false), Push::kAccepted);
    EXPECT_EQ(sent(at(later), kA), (Ids{"1000"}));
}

TEST_F(WebhookQueueTest, WhatWaitsForAnEndpointThatIsNoMoreIsGivenUp) {
    ASSERT_EQ(add(kStart, kA, 1, false), Push::kAccepted);
    ASSERT_EQ(add(kStart, kB, 2, false), Push::kAccepted);
    at(kStart);
    queue.keep_only([](const EndpointId& endpoint) { return endpoint == kB; }, out);
    EXPECT_EQ(take(), (QueueEffects{EventSettled{1, EventEnd::kGivenUp}}));
    EXPECT_EQ(outcome(kStart, kA, true), QueueEffects{}) << "its request was in flight";
    EXPECT_EQ(outcome(kStart, kB, true), (QueueEffects{EventSettled{2, EventEnd::kTaken}}));
    EXPECT_EQ(queue.size(), 0u);
}

TEST_F(WebhookQueueTest, AnEndpointThatComesBackWaitsForTheRequestThatWasInFlight) {
    ASSERT_EQ(add(kStart, kA, 1, false), Push::kAccepted);
    at(kStart);
    queue.keep_only([](const EndpointId&) { return false; }, out);
    take();
    ASSERT_EQ(add(kStart, kA, 2, false), Push::kAccepted);
    EXPECT_EQ(at(kStart), QueueEffects{});
    EXPECT_EQ(outcome(kStart, kA, true), QueueEffects{}) << "that was the first one's";
    EXPECT_EQ(sent(at(kStart), kA), (Ids{"2"}));
}

TEST_F(WebhookQueueTest, ALeavingNodeSendsWhatWaitsOnce) {
    ASSERT_EQ(add(kStart, kA, 1), Push::kAccepted);
    ASSERT_EQ(add(kStart, kB, 2, false), Push::kAccepted);
    at(kStart);
    outcome(kStart, kB, false);
    queue.hurry();
    EXPECT_FALSE(queue.is_done());
    const QueueEffects effects = at(kStart);
    EXPECT_EQ(sent(effects, kA), (Ids{"1"}));
    EXPECT_EQ(sent(effects, kB), Ids{});
    EXPECT_FALSE(queue.is_done());
    EXPECT_EQ(outcome(kStart, kA, false), QueueEffects{});
    EXPECT_TRUE(queue.is_done());
}

TEST_F(WebhookQueueTest, ANodeThatPartsWaitsForNoAnswer) {
    for (std::uint64_t id = 1; id <= 3; ++id) {
        add(kStart, kA, id);
    }
    EXPECT_EQ(sent(at(kStart + kWebhookWindow), kA), (Ids{"1", "2", "3"}));
    queue.hurry();
    queue.drop(kStart + 1s, kA, 2, out);
    EXPECT_EQ(take(), QueueEffects{}) << "its answer may still come";
    queue.part(out);
    EXPECT_EQ(take(), (QueueEffects{EventSettled{2, EventEnd::kDoubtful}}));
    queue.drop(kStart + 6s, kA, 3, out);
    EXPECT_EQ(take(), (QueueEffects{EventSettled{3, EventEnd::kDoubtful}}));
    EXPECT_EQ(outcome(kStart + 7s, kA, true), (QueueEffects{EventSettled{1, EventEnd::kTaken}}));
    EXPECT_EQ(queue.size(), 0u);
    EXPECT_TRUE(queue.is_done());
}

TEST_F(WebhookQueueTest, AnAnswerThatComesAfterThePartingIsNobodys) {
    add(kStart, kA, 1);
    at(kStart + kWebhookWindow);
    queue.hurry();
    queue.part(out);
    queue.drop(kStart + 6s, kA, 1, out);
    EXPECT_EQ(take(), (QueueEffects{EventSettled{1, EventEnd::kDoubtful}}));
    EXPECT_EQ(outcome(kStart + 7s, kA, true), QueueEffects{});
}

TEST_F(WebhookQueueTest, WhatClientsSayLeavesRoomForWhoIsThere) {
    std::uint64_t id = 0;
    const auto say = [&](const EndpointId& endpoint, std::size_t bytes, Worth worth) {
        return queue.add(kStart, endpoint, true, ++id, share(std::string(bytes, 'x')), worth);
    };
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ(say(kA, 1, Worth::kPassing), Push::kAccepted);
    }
    EXPECT_EQ(say(kA, 1, Worth::kPassing), Push::kRefused);
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ(say(kA, 1, Worth::kTruth), Push::kAccepted);
    }
    EXPECT_EQ(say(kA, 1, Worth::kTruth), Push::kRefused);
    EXPECT_EQ(say(kB, (1u << 19) + 1, Worth::kPassing), Push::kRefused) << "half of the bytes, too";
    EXPECT_EQ(say(kB, (1u << 19) + 1, Worth::kTruth), Push::kAccepted);
}

TEST_F(WebhookQueueTest, TheLastNodeTriesAgainAndAgainWithShortPauses) {
    ASSERT_EQ(add(kStart, kA, 1), Push::kAccepted);
    Instant now = kStart + kWebhookWindow;
    for (int failures = 0; failures < 6; ++failures) {
        at(now);
        outcome(now, kA, false);
        now = *queue.next_deadline();
    }
    ASSERT_GT(now, kStart + 30s) << "the pauses have become long";
    now = kStart + 30s;
    queue.speak_last(now);
    ASSERT_EQ(add(now, kB, 2), Push::kAccepted);
    const QueueEffects effects = at(now);
    EXPECT_EQ(sent(effects, kA), (Ids{"1"}));
    EXPECT_EQ(sent(effects, kB), (Ids{"2"})) << "nothing is gathered";
    outcome(now, kB, true);
    for (int failures = 0; failures < 5; ++failures) {
        EXPECT_FALSE(queue.is_done());
        outcome(now, kA, false);
        EXPECT_EQ(queue.next_deadline(), now + kWebhookLastPause);
        now += kWebhookLastPause;
        EXPECT_EQ(sent(at(now), kA), (Ids{"1"}));
    }
    queue.hurry();
    outcome(now, kA, true);
    EXPECT_TRUE(queue.is_done());
}

TEST_F(WebhookQueueTest, TheLastNodeHasRoomForAllThatIsLeft) {
    for (std::uint64_t id = 1; id <= 1000; ++id) {
        ASSERT_EQ(add(kStart, kA, id), Push::kAccepted);
    }
    EXPECT_EQ(add(kStart, kA, 1001), Push::kRefused);
    queue.speak_last(kStart);
    EXPECT_EQ(add(kStart, kA, 1002), Push::kAccepted);
}

}  // namespace
}  // namespace tulle::node::webhook_queue_test
