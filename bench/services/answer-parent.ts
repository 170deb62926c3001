/** Questions of the process that measures, and answers of the one that takes what is sent. */

export interface Asked {
  readonly id: number
  readonly question: unknown
}

export interface Answered {
  readonly id: number
  readonly answer: unknown
}

/** Answers each question that the parent process asks over the channel between the two. */
export function answerParent(answer: (question: unknown) => unknown): void {
  process.on('message', ({ id, question }: Asked) => {
    process.send?.({ id, answer: answer(question) } satisfies Answered)
  })
}
