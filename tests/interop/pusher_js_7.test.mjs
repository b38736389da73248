// The suites of the wire, channels and presence once more, with the last pusher-js of the generation before.
process.env.TULLE_TEST_PUSHER_JS = '7';
for (const suite of ['wire', 'channels', 'presence', 'encrypted']) await import(`./${suite}.test.mjs`);
