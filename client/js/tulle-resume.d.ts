export interface ResumeOptions {
  /** Where positions are kept when the page goes away: sessionStorage, for a page that goes on after a reload. */
  storage?: Pick<Storage, 'getItem' | 'setItem'>;
  /** What a newcomer gets first: so many of the last events (1 to 500), or those of a time such as "30s" or "2m". */
  rewind?: number | string;
}

/** `pusher`: an instance of pusher-js, or `echo.connector.pusher`. Call before the first subscription. */
export function resume(pusher: object, options?: ResumeOptions): void;
