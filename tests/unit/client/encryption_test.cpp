#include "client/wire/encryption.hpp"

#include <gtest/gtest.h>

#include "client/wire/publish.hpp"

namespace tulle::client::encryption_test {
namespace {

/// "0123456789abcdef0123456789abcdef", as a server kit is given it.
const std::string kMasterKey = "0123456789abcdef0123456789abcdef";
const std::string kMasterKeyBase64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const std::string kChannel = "private-encrypted-notes";

Nonce nonce() {
    Nonce bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(i);
    }
    return bytes;
}

TEST(Encryption, TakesKeysOfTheRightLengthInBase64Only) {
    EXPECT_EQ(decode_key(kMasterKeyBase64), kMasterKey);
    EXPECT_EQ(encode_key(kMasterKey), kMasterKeyBase64);
    for (const char* bad : {"", "MDEy", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", "not base64!"}) {
        EXPECT_EQ(decode_key(bad), std::nullopt) << bad;
    }
}

/// The values of the npm package `pusher` 5.3.4 (channelSharedSecret) and of tweetnacl's secretbox.
TEST(Encryption, MakesWhatTheOfficialServerKitMakes) {
    const std::string key = channel_key(kChannel, kMasterKey);
    EXPECT_EQ(encode_key(key), "6HIu2Ml7LuqS2ArXzUM4z9ISQnR6KeWiGTOTByNKJZg=");
    EXPECT_EQ(
        seal(key, nonce(), R"({"text":"hello"})"),
        R"({"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX","ciphertext":"6kRTjarL/JJs2Cep1c9iAc2mgkYt6BjCZcifbhzR52M="})");
}

TEST(Encryption, OpensWhatItHasSealed) {
    const std::string key = channel_key(kChannel, kMasterKey);
    for (const std::string& plain : {std::string(), std::string("x"), std::string(100'000, '\0')}) {
        EXPECT_EQ(*open_sealed(key, seal(key, nonce(), plain)), plain);
    }
}

TEST(Encryption, TellsAWrongKeyFromWhatIsNotEncryptedAtAll) {
    const std::string key = channel_key(kChannel, kMasterKey);
    const std::string sealed_text = seal(key, nonce(), "hello");
    EXPECT_EQ(open_sealed(channel_key("private-encrypted-other", kMasterKey), sealed_text).error(),
              SealErrc::kWrongKey);
    EXPECT_EQ(open_sealed({}, sealed_text).error(), SealErrc::kWrongKey);
    std::string changed = sealed_text;
    char& letter = changed[changed.find("\":\"", 50) + 3];
    letter = letter == 'A' ? 'B' : 'A';
    EXPECT_EQ(open_sealed(key, changed).error(), SealErrc::kWrongKey) << changed;
    for (const char* bad : {"", "[]", "{}", R"({"nonce":"AAAA","ciphertext":"AAAA"})",
                            R"({"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX","ciphertext":"AAAA"})",
                            R"({"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX","ciphertext":7})",
                            R"({"nonce":"!","ciphertext":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"})"}) {
        EXPECT_EQ(open_sealed(key, bad).error(), SealErrc::kMalformed) << bad;
    }
}

TEST(SealedPublish, EncryptsForOneEncryptedChannelAndLeavesTheOthersAlone) {
    const PublishMessage plain{{"news", "private-x"}, "e", "text", {}};
    EXPECT_EQ(sealed(plain, kMasterKey, nonce())->data, "text");
    EXPECT_EQ(sealed(plain, {}, nonce())->data, "text");
    const Result<PublishMessage, PublishErrc> secret = sealed({{kChannel}, "e", "text", {}}, kMasterKey, nonce());
    EXPECT_EQ(*open_sealed(channel_key(kChannel, kMasterKey), secret->data), "text");
}

TEST(SealedPublish, RefusesWhatCannotBeEncrypted) {
    EXPECT_EQ(sealed({{kChannel, "news"}, "e", "text", {}}, kMasterKey, nonce()).error(), PublishErrc::kMixed);
    EXPECT_EQ(sealed({{kChannel}, "e", "text", {}}, {}, nonce()).error(), PublishErrc::kNoMasterKey);
}

}  // namespace
}  // namespace tulle::client::encryption_test
