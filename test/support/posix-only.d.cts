export function reasonToSkip (file: string, system?: string): string | undefined
export function skippedOnWindows (): Record<string, string[]>
